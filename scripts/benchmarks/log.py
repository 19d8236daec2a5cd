"""The transparency log: what it adds to taking events in, how fast leaves get their places, and what a proof costs.

SQLite on this machine's disk. The part of taking events in that the log costs is measured inside the same calls, so that a busy machine
changes both alike.
"""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from central.captures.intake import Intake
from central.db import reading
from central.devices import service as devices
from central.transparency import service as transparency
from central.transparency.model import Entry
from central.transparency.tree import WIDTH, ReadTile, Tree, grow, leaf_hash, root_of_path
from central.wiring import Centre
from contract.sealed import Signer, raw_public
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.report import Figure, seconds, timed
from scripts.logs.made import BEGUN, new_centre, signed_events, terminal

BATCH = 500  # as an ingest worker takes
EVENTS = 10_000
PROOFS = 500
EVENT_BYTES = 1_500
LARGE = 80_000_000
SEED = 5


def measure(folder: Path, leaves: int) -> list[Figure]:
    """All of it on new databases below `folder`, deleted afterwards. Raises CannotMeasure if a proof does not verify."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as place:
        figures = _taking(new_centre(Path(place) / "taking"))
        centre = new_centre(Path(place) / "log")
        return [*figures, *_growing(centre, leaves), *_proving(centre, leaves), *_large()]


def _taking(centre: Centre) -> list[Figure]:
    signer, seal = Signer(Ed25519PrivateKey.generate()), raw_public(X25519PrivateKey.generate().public_key())
    with centre.engine.begin() as db:
        new = terminal("P99999900001-t9", kid=signer.kid, sign_public=signer.public, seal_public=seal)
        devices.register_device(db, new, now=BEGUN, actor="bench")
    messages = list(signed_events(signer, "P99999900001-t9", EVENTS))
    intake = Intake(keys=centre.keys, files=centre.pictures, faces=centre.settings.faces, now=centre.now)
    logged = _Timed(transparency.append_many)
    begun = perf_counter()
    transparency.append_many = logged
    try:
        for first in range(0, EVENTS, BATCH):
            with centre.engine.begin() as db:
                intake.take(db, messages[first : first + BATCH])
    finally:
        transparency.append_many = logged.inner
    taken = perf_counter() - begun
    rate = Figure(
        name="events taken in, verified and committed", value=EVENTS / taken, unit="events/s", n=EVENTS, note=f"{BATCH} at a time"
    )
    share = Figure(name="of that, for the log", value=100 * logged.seconds / taken, unit="%", n=EVENTS // BATCH)
    return [rate, share]


def _growing(centre: Centre, leaves: int) -> list[Figure]:
    appended = perf_counter()
    for first in range(0, leaves, BATCH):
        content = bytes(EVENT_BYTES)
        some = [Entry(kind="event", ref=f"P1/1/{number}", content=content) for number in range(first, min(leaves, first + BATCH))]
        with centre.engine.begin() as db:
            transparency.append_many(db, some, at=BEGUN)
    begun = perf_counter()
    while _integrated(centre):
        pass
    ended = perf_counter()
    return [
        Figure(name="leaves appended", value=leaves / (begun - appended), unit="leaves/s", n=leaves, note=f"{BATCH} at a time, committed"),
        Figure(name="leaves given places and signed over", value=leaves / (ended - begun), unit="leaves/s", n=leaves),
    ]


def _integrated(centre: Centre) -> bool:
    with centre.engine.begin() as db:
        return transparency.integrate(db, centre.keys, BEGUN) is not None


def _proving(centre: Centre, leaves: int) -> list[Figure]:
    random = Random(SEED)  # noqa: S311 - which leaves are asked for
    asked = [f"P1/1/{random.randrange(leaves)}" for _ in range(PROOFS)]
    with reading(centre.engine).begin() as db:
        inclusion = [seconds(lambda ref=ref: transparency.proof(db, "event", ref)) for ref in asked]  # type: ignore[misc]
        consistency = [seconds(lambda: transparency.consistency(db, random.randrange(1, leaves), leaves)) for _ in range(PROOFS)]
    return [timed(f"inclusion proof among {leaves}", inclusion), timed(f"consistency proof to {leaves}", consistency)]


def _large() -> list[Figure]:
    """A real tree of 80 million equal leaves, which needs one full tile of each level and the right edge."""
    random, leaf = Random(SEED), leaf_hash(b"one of 80 million")  # noqa: S311
    read = _uniform(LARGE, leaf)
    root, lengths, taken = Tree(read).root(LARGE), list[int](), list[float]()
    for index in (0, LARGE - 1, *(random.randrange(LARGE) for _ in range(PROOFS))):
        begun = perf_counter()
        path = Tree(read).inclusion(index, LARGE)
        taken.append(perf_counter() - begun)
        lengths.append(len(path))
        if root_of_path(leaf, index, LARGE, path) != root:
            raise CannotMeasure(f"the proof of leaf {index} does not lead to the root")
    longest = Figure(name=f"hashes in a proof among {LARGE}", value=max(lengths), unit="hashes", n=len(lengths), goal="S1", at_most=27)
    return [longest, timed(f"inclusion proof among {LARGE}, tiles at hand", taken)]


def _uniform(size: int, leaf: bytes) -> ReadTile:
    hashes = [leaf]
    for _ in range(3):
        hashes.append(grow(0, [hashes[-1]] * WIDTH, lambda _level, _number: b"")[1, 0])
    tiles = [hash * WIDTH for hash in hashes]
    return lambda level, number: tiles[level][: 32 * max(0, min(WIDTH, size // WIDTH**level - number * WIDTH))]


class _Timed:
    """A function with a clock around it."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.seconds = inner, 0.0

    def __call__(self, *args: Any, **named: Any) -> Any:
        begun = perf_counter()
        try:
            return self.inner(*args, **named)
        finally:
            self.seconds += perf_counter() - begun
