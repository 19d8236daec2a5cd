"""Other libraries on the very frames that the line was measured on: `face_recognition` (dlib) in an environment of its own, made here the
first time, and `insightface` through our adapter.
"""

import os
import shutil
import subprocess
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import files
from models.align import chip
from models.insightface_pack import InsightFaceEmbedder
from models.manifest import read_manifest
from models.pack import DEFAULT_PACK, Pack
from models.protocols import Embedder
from models.results import Box, Face, Picture
from scripts.benchmarks.accuracy import Described, errors
from scripts.benchmarks.clips import ROOT, Clip
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.report import Figure, seconds, timed

LOCKS = (ROOT / "config" / "locks" / "bench-peer-build.txt", ROOT / "config" / "locks" / "bench-peer.txt")
TOOLS = ("g++", "cmake", "make")
FASTER = 5.0
OVERLAP = 0.2  # IoU from which a found box is the person's: the library's boxes are squares, ours are not
WARM_UP = 5

Progress = Callable[[str], None]
Vectors = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """The frames with a face, clip by clip, and the best face of each."""

    persons: tuple[str, ...]
    clips: NDArray[np.intp]  # of each frame
    frames: tuple[Picture, ...]
    faces: tuple[Face, ...]

    def described(self, vectors: Vectors) -> list[Described]:
        """The vectors, one for each frame, clip by clip."""
        return [Described(person=person, vectors=vectors[self.clips == number]) for number, person in enumerate(self.persons)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Dlib:
    """What the library said: seconds (N, 4) of finding, describing, comparing, and describing the given box; its boxes and vectors."""

    seconds: Vectors
    boxes: Vectors
    vectors: Vectors
    on_boxes: Vectors
    versions: str


def measure_peers(pack: Pack, clips: Sequence[Clip], line: Figure, folder: Path, progress: Progress) -> list[Figure]:
    """Speed and accuracy of both, beside ours; `line` is our own whole way of a frame. A library that cannot run is said and left out."""
    seen = _see(pack, clips)
    chips = [chip(frame, face.landmarks) for frame, face in zip(seen.frames, seen.faces, strict=True)]
    ours = _embedded(pack.embedder, chips)
    embedding = timed("embed a face", ours.seconds)
    figures = [embedding, *_insightface(pack, chips, ours, embedding)]
    try:
        python = environment(folder / "face_recognition", progress)
        dlib = _run(python, seen, folder, progress)
    except CannotMeasure as error:
        progress(f"face_recognition was not measured: {error}")
        return [*figures, *_accuracy("ours", seen, ours.vectors, "all frames")]
    return [*figures, *_speed(line, embedding, dlib), *_compared(seen, ours.vectors, dlib)]


def environment(folder: Path, progress: Progress) -> Path:
    """The interpreter of an environment with `face_recognition`; made the first time, which compiles dlib for many minutes.

    Raises CannotMeasure with the reason and the log when it cannot be made.
    """
    python, mark, log = folder / "venv" / "bin" / "python", folder / ".ready", folder / "build.log"
    wanted = sha256(b"".join(lock.read_bytes() for lock in LOCKS)).hexdigest()
    if mark.is_file() and mark.read_text(encoding="ascii") == wanted:
        return python
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        raise CannotMeasure(f"dlib has to be compiled and {', '.join(missing)} is missing: apt-get install g++ cmake make")
    progress(f"making an environment for face_recognition; dlib is compiled, which takes 5 to 20 minutes (log: {log})")
    folder.mkdir(parents=True, exist_ok=True)
    if not python.exists():
        venv.create(folder / "venv", with_pip=True)
    with log.open("wb") as output:
        for lock in LOCKS:
            pip = [
                str(python),
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--no-build-isolation",
                "--require-hashes",
                "-r",
                str(lock),
            ]
            if subprocess.run(pip, stdout=output, stderr=output, check=False, env=_quiet(python)).returncode:
                raise CannotMeasure(f"its environment could not be made from {lock.name}; {log} ends: {_end(log)}")
    mark.write_text(wanted, encoding="ascii")
    return python


def _quiet(python: Path) -> dict[str, str]:
    """Our environment without what would lead pip or Python to other places; the compiler is told to use the cores there are."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return kept | {"PATH": f"{python.parent}:{os.environ.get('PATH', '')}"}


def _end(log: Path) -> str:
    return " / ".join(log.read_text(errors="replace").strip().splitlines()[-3:])


def _see(pack: Pack, clips: Sequence[Clip]) -> _Seen:
    found = [
        (number, frame, faces[0]) for number, clip in enumerate(clips) for frame in clip.frames if (faces := pack.detector.detect(frame))
    ]
    numbers, frames, faces = zip(*found, strict=True)
    return _Seen(persons=tuple(clip.person for clip in clips), clips=np.array(numbers), frames=frames, faces=faces)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Embedded:
    seconds: list[float]
    vectors: Vectors


def _embedded(embedder: Embedder, chips: Sequence[Picture]) -> _Embedded:
    for each in chips[:WARM_UP]:
        embedder.describe(each[np.newaxis])
    taken = [seconds(partial(embedder.describe, each[np.newaxis])) for each in chips]
    vectors = np.concatenate([embedder.describe(each[np.newaxis])[0] for each in chips])
    return _Embedded(seconds=taken, vectors=vectors.astype(np.float64))


def _insightface(pack: Pack, chips: Sequence[Picture], ours: _Embedded, embedding: Figure) -> list[Figure]:
    item = read_manifest().one(DEFAULT_PACK, "embedder")
    adapter = InsightFaceEmbedder(files.default_folder() / item.file, version=pack.embedder.version, spread=128)
    theirs = _embedded(adapter, chips)
    apart = float(np.abs(theirs.vectors - ours.vectors).max())
    note = (
        "the library insightface runs the very weights of our default pack (its own may not be fetched or used here), with the threads it "
        f"takes by itself; vectors differ by at most {apart:.1e}, so its accuracy is ours"
    )
    measured = timed("embed a face through the adapter of insightface", theirs.seconds, note=note)
    return [_against(measured, embedding, "our own session")]


def _run(python: Path, seen: _Seen, folder: Path, progress: Progress) -> _Dlib:
    given, result = folder / "frames.npz", folder / "described.npz"
    boxes = np.array([(face.box.x0, face.box.y0, face.box.x1, face.box.y1) for face in seen.faces])
    progress(f"face_recognition on {len(seen.frames)} frames")
    try:
        np.savez(given, frames=np.stack(seen.frames), boxes=boxes)
        program = str(Path(__file__).with_name("peer_face_recognition.py"))
        done = subprocess.run(
            [str(python), program, str(given), str(result)], stderr=subprocess.PIPE, text=True, check=False, env=_quiet(python)
        )
        if done.returncode:
            raise CannotMeasure(f"it failed: {done.stderr.strip().splitlines()[-1:]}")
        with np.load(result) as content:
            named = {name: content[name] for name in ("seconds", "boxes", "vectors", "on_boxes")}
            return _Dlib(**named, versions=", ".join(content["versions"]))
    finally:
        given.unlink(missing_ok=True)
        result.unlink(missing_ok=True)


def _speed(line: Figure, embedding: Figure, dlib: _Dlib) -> list[Figure]:
    """Ours is measured with quality, liveness, signature and commit; theirs without, for it has none of them."""
    whole = timed("face_recognition: find, describe, compare", list(dlib.seconds[:, :3].sum(axis=1)), note=dlib.versions)
    alone = timed("face_recognition: describe a given box", list(dlib.seconds[:, 3]))
    found = timed("face_recognition: find", list(dlib.seconds[:, 0]))
    faster = Figure(
        name="line faster than face_recognition",
        value=_median(whole) / _median(line),
        unit="times",
        n=len(dlib.seconds),
        goal="P1",
        at_least=FASTER,
        note="medians of the whole way of a frame: ours with quality, liveness, signature and commit, theirs finds, describes and compares",
    )
    quicker = Figure(
        name="embedding faster than face_recognition's",
        value=_median(alone) / _median(embedding),
        unit="times",
        n=len(dlib.seconds),
        goal="P1",
        at_least=FASTER,
        note="medians of the vector of a face that is already found",
    )
    return [whole, found, alone, faster, quicker]


def _against(measured: Figure, ours: Figure, name: str) -> Figure:
    return replace(measured, peer=name, ratio=_median(measured) / _median(ours))


def _median(figure: Figure) -> float:
    return (figure.spread or {})["median"]


def _compared(seen: _Seen, ours: Vectors, dlib: _Dlib) -> list[Figure]:
    """Where the library finds the person by itself, and everywhere with our boxes given to it."""
    own = np.array([_overlaps(face.box, box) for face, box in zip(seen.faces, dlib.boxes, strict=True)])
    only = own[:, np.newaxis]
    missed = Figure(
        name="frames in which face_recognition does not find the person",
        value=100 * float(1 - own.mean()),
        unit="%",
        n=len(own),
        note="of those in which our detector finds a face",
    )
    return [
        missed,
        *_side_by_side(seen, np.where(only, ours, np.nan), np.where(only, dlib.vectors, np.nan), "where both find the person"),
        *_side_by_side(seen, ours, dlib.on_boxes, "all frames, our boxes for both"),
    ]


def _side_by_side(seen: _Seen, ours: Vectors, theirs: Vectors, on: str) -> list[Figure]:
    """Ours is held against theirs: not less accurate."""
    beside = _accuracy("face_recognition", seen, theirs, on)
    held = (replace(each, goal="P1", at_most=other.value) for each, other in zip(_accuracy("ours", seen, ours, on), beside, strict=False))
    return [*held, *beside]


def _overlaps(box: Box, other: NDArray[np.float64]) -> bool:
    if not np.isfinite(other).all():
        return False
    x0, y0, x1, y1 = other.tolist()
    return box.iou(Box(x0=x0, y0=y0, x1=x1, y1=y1)) >= OVERLAP


def _accuracy(whose: str, seen: _Seen, vectors: Vectors, on: str) -> list[Figure]:
    """Nothing where there are too few trials to state a rate."""
    try:
        found = errors(seen.described(vectors))
    except ValueError:
        return []
    rates = (("FNMR at FMR 0.001", found.fnmr), ("EER", found.eer))
    note = f"single frames across clips: {found.mated} same and {found.non_mated} other pairs, far fewer of them independent"
    return [
        Figure(name=f"{name}, {on}: {whose}", value=100 * rate, unit="%", n=found.mated + found.non_mated, note=note)
        for name, rate in rates
    ]
