"""The register of people: how alike pictures of one person and of two are, what several templates are worth, and a search among 100,000.

The likeness is measured on forty people with ten pictures each (see `published_faces`): single pictures, as an enrolment has them.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from central.people.gallery import template_purpose
from central.people.model import Enrolment
from central.people.tables import people, templates
from central.settings import PeopleSettings
from central.wiring import Centre
from contract.commands import GalleryRole
from contract.sealed import seal
from models import compare
from models.errors import PictureRefused
from models.evaluation.rates import BandLimits
from models.pack import Pack, load_pack
from models.quality import WINDOW
from models.results import Quality, Template
from models.template import from_picture
from scripts.benchmarks import clips, published_faces
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.report import Figure, seconds, timed
from scripts.logs.made import SITE, new_centre

SIZE = 192  # of the default pack's vectors
ENROLLED = 5  # of each person's ten pictures; the others are compared with them
KEPT = 3
TRIALS = 200
SEED = 7
NETWORK = "bench-1"
Vectors = NDArray[np.float32]
Scheme = Callable[[Vectors, Vectors], Vectors]
"""How enrolled vectors (K, D) are compared with others (N, D): similarities (N,)."""


def measure(folder: Path, number: int, progress: Callable[[str], None]) -> list[Figure]:
    """All of it; `number` templates in the largest register. Raises CannotMeasure where the faces cannot be had."""
    folder.mkdir(parents=True, exist_ok=True)
    alike = _likeness(_vectors(folder / "faces", progress), "40 published persons")
    with TemporaryDirectory(dir=folder) as place:
        return [*alike, *_search(new_centre(Path(place)), number, progress)]


def _vectors(folder: Path, progress: Callable[[str], None]) -> dict[str, Vectors]:
    """Of each person the vectors of all usable single pictures, in the order of taking."""
    table, pack = published_faces.clips(folder, progress), load_pack()
    found: dict[str, list[Vectors]] = {}
    for clip in clips.read(table.parent):
        found.setdefault(clip.person, []).extend(vector for picture in clip.frames if (vector := _vector(pack, picture)) is not None)
    return {person: np.stack(vectors) for person, vectors in found.items() if len(vectors) > ENROLLED}


def _vector(pack: Pack, picture: NDArray[np.uint8]) -> Vectors | None:
    try:
        return from_picture(pack, picture, WINDOW).vector
    except PictureRefused:
        return None


def _likeness(found: dict[str, Vectors], whose: str) -> list[Figure]:
    if len(found) < 2:
        raise CannotMeasure("too few usable faces")
    limits, certain = BandLimits(), PeopleSettings().duplicate_certain
    schemes: dict[str, Scheme] = {"one picture": _one, f"{KEPT} fused": _fused, f"best of {KEPT}": _best}
    figures = []
    for name, scheme in schemes.items():
        own, other = _scores(found, scheme)
        figures += _rates(name, own, other, limits.same, f"{whose}; not recognised at same {limits.same}")
    singles_own, singles_other = _pairs(found)
    figures += _rates("two single pictures", singles_own, singles_other, certain, f"{whose}; at duplicate_certain {certain}")
    return figures


def _rates(name: str, own: Vectors, other: Vectors, limit: float, note: str) -> list[Figure]:
    highest = float(other.max())
    spread = {"p1": float(np.quantile(own, 0.01)), "median": float(np.median(own)), "min": float(own.min())}
    missed = Figure(
        name=f"{name}: own below {limit}", value=100 * float(np.mean(own < limit)), unit="%", n=len(own), spread=spread, note=note
    )
    tail = {"p99.9": float(np.quantile(other, 0.999)), "max": highest}
    share = 100 * float(np.mean(other >= limit))
    taken = Figure(name=f"{name}: others from {limit}", value=share, unit="%", n=len(other), spread=tail)
    apart = Figure(name=f"{name}: own below every other", value=100 * float(np.mean(own <= highest)), unit="%", n=len(own))
    return [missed, taken, apart]


def _scores(found: dict[str, Vectors], scheme: Scheme) -> tuple[Vectors, Vectors]:
    own, other = [], []
    for person, vectors in found.items():
        own.append(scheme(vectors[:ENROLLED], vectors[ENROLLED:]))
        other += [scheme(vectors[:ENROLLED], others[ENROLLED:]) for name, others in found.items() if name != person]
    return np.concatenate(own), np.concatenate(other)


def _pairs(found: dict[str, Vectors]) -> tuple[Vectors, Vectors]:
    own = [vectors[i] @ vectors[j] for vectors in found.values() for i in range(len(vectors)) for j in range(i)]
    people_ = list(found.values())
    other = [(people_[i] @ people_[j].T).ravel() for i in range(len(people_)) for j in range(i)]
    return np.array(own, np.float32), np.concatenate(other)


def _one(enrolled: Vectors, seen: Vectors) -> Vectors:
    return np.asarray(seen @ enrolled[-1])


def _fused(enrolled: Vectors, seen: Vectors) -> Vectors:
    return np.asarray(seen @ compare.fuse(enrolled[-KEPT:], [1.0] * KEPT))


def _best(enrolled: Vectors, seen: Vectors) -> Vectors:
    return np.asarray((seen @ enrolled[-KEPT:].T).max(axis=1))


def _search(centre: Centre, number: int, progress: Callable[[str], None]) -> list[Figure]:
    vectors = np.random.default_rng(SEED).standard_normal((number + TRIALS + 1, SIZE), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    progress(f"sealing {number} templates")
    _fill(centre, vectors[:number])
    first = seconds(lambda: _enrol(centre, "FIRST", vectors[number]))
    later = [seconds(lambda at=at: _enrol(centre, f"NEW-{at}", vectors[number + 1 + at])) for at in range(TRIALS)]  # type: ignore[misc]
    return [
        Figure(name=f"first enrolment among {number}: opening all seals", value=first, unit="s", n=1),
        timed(f"enrolment among {number}, without the network", later, note="compared with all of them, sealed, logged, committed"),
    ]


def _fill(centre: Centre, vectors: Vectors) -> None:
    at = datetime.now(UTC)
    for start in range(0, len(vectors), 2000):
        part = range(start, min(start + 2000, len(vectors)))
        with centre.engine.begin() as db:
            db.execute(insert(people), [{"psn_no": f"P{n}", "legal_basis": "bench", "enrolled_at": at} for n in part])
            db.execute(insert(templates), [_row(centre, f"P{n}", vectors[n], at) for n in part])


def _row(centre: Centre, psn_no: str, vector: Vectors, at: datetime) -> dict[str, object]:
    sealed = seal(vector.astype("<f4").tobytes(), centre.keys.seal_public, template_purpose(psn_no))
    told = {"psn_no": psn_no, "embedder": NETWORK, "sealed_vector": sealed, "quality": 1.0, "media_id": "0" * 64}
    return told | {"enrolled_at": at, "enrolled_by": "bench"}


def _enrol(centre: Centre, psn_no: str, vector: Vectors) -> None:
    request = Enrolment(psn_no=psn_no, pictures=(b"jpeg",), legal_basis="bench", fixmedins_code=SITE, role=GalleryRole.INSURED)
    quality = Quality(**dict.fromkeys(Quality.__dataclass_fields__, 1.0))
    centre.registrar.admit(request, (Template(vector=vector, version=NETWORK, quality=quality, source="bench"),), actor="bench")
