"""Whether memory grows: the line fed with real faces for very many frames, a settlement every hundred, receipts as they would come.

The frames are parts of the clips about the face, at their own scale and small, so that 100,000 of them take minutes.
"""

import ctypes
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from contract.commands import GalleryEntry
from edge_agent.sections.core import Limits, Times
from models import files
from models.fetch import fetch
from models.pack import Pack, load_pack
from models.results import Box, Picture
from scripts.benchmarks import clips
from scripts.benchmarks.clips import Clip
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.line import Line, enrolled, new_line
from scripts.benchmarks.meter import memory
from scripts.benchmarks.report import Figure

SIDE = 192  # pixels of a part, and of what the detector looks at
FRAME_S = 0.5  # so that the faces of the last two hours are all remembered after 14,400 frames, within the warm-up
SETTLE_EVERY, SESSION = 100, 40  # frames from one settlement to the next, and of each
TIMES = Times(window_after_s=0.01, presence_after_s=0.01)
RECEIVE_EVERY, READ_EVERY = 2_000, 500
WARM_UP = 0.2  # of all frames
PER = 10_000  # frames, over which growth is told; a window looks at 500,000 a day
# A picture kept by mistake in each settlement would be some MiB. Less than one MiB cannot be told from the allocator's noise, so objects
# are counted as well: one kept in each frame would be 10,000.
TOLERANCE_MIB, TOLERANCE_OBJECTS = 1.0, 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """After so many frames: resident memory in MiB, and blocks that Python's objects take."""

    frames: int
    mib: float
    objects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A value against frames after the warm-up: its rise in PER frames as the line of least squares has it, and means of both ends."""

    slope: float
    first: float
    last: float
    readings: int


def measure_soak(folder: Path, frames: int) -> list[Figure]:
    """Feed so many frames and hold the growth of this process against zero. Raises CannotMeasure for too few frames."""
    least = round(10 * READ_EVERY / (1 - WARM_UP))
    if frames < least:
        raise CannotMeasure(f"{frames} frames say nothing about growth; take at least {least}")
    people, parts = _prepared()
    _give_back()
    with new_line(load_pack(long_side=SIDE), folder, people, Limits(), TIMES) as line:
        readings = [each for each in _readings(line, parts, frames) if each.frames >= WARM_UP * frames]
    told = f"over {frames} frames with {frames // SETTLE_EVERY} settlements, without the first {WARM_UP:.0%}; asked is zero"
    resident = growth([(each.frames, each.mib) for each in readings])
    counted = growth([(each.frames, each.objects) for each in readings])
    return [
        _figure(
            "growth of resident memory", resident, "MiB", TOLERANCE_MIB, f"line of least squares {told}, the rest is the allocator's noise"
        ),
        _figure("growth of live objects", counted, "blocks", TOLERANCE_OBJECTS, f"blocks held by Python's allocator {told}"),
    ]


def growth(values: Sequence[tuple[int, float]]) -> Growth:
    """From pairs of frames and value, oldest first; at least two."""
    at, held = np.array(values, np.float64).T
    end = max(1, len(held) // 10)
    return Growth(
        slope=float(np.polyfit(at / PER, held, 1)[0]), first=float(held[:end].mean()), last=float(held[-end:].mean()), readings=len(held)
    )


def _figure(name: str, found: Growth, unit: str, at_most: float, note: str) -> Figure:
    spread = {"at first": found.first, "at last": found.last}
    return Figure(name=name, value=found.slope, unit=f"{unit} in {PER} frames", n=found.readings, spread=spread, at_most=at_most, note=note)


def _prepared() -> tuple[list[GalleryEntry], list[tuple[str, Picture]]]:
    """Who is enrolled, and the parts to be seen; the clips themselves are let go of."""
    fetch("window", files.default_folder())
    pack, found = load_pack(), clips.read(clips.default_folder())
    return enrolled(pack, found), _parts(pack, found)


def _give_back() -> None:
    """Return what the allocator holds free to the system: growth would hide in it. Does nothing without the GNU C library."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _readings(line: Line, parts: Sequence[tuple[str, Picture]], frames: int) -> Iterator[Reading]:
    person = parts[0][0]
    for number, (whose, picture) in zip(range(1, frames + 1), cycle(parts), strict=False):
        if number % SETTLE_EVERY == SETTLE_EVERY - SESSION:
            person = whose
            line.begin(person)
        line.see(picture, FRAME_S)
        if number % SETTLE_EVERY == SETTLE_EVERY - 1:
            line.end()
        if number % RECEIVE_EVERY == 0:
            line.receive()
        if number % READ_EVERY == 0:
            gc.collect()
            yield Reading(frames=number, mib=memory(os.getpid()).now, objects=sys.getallocatedblocks())


def _parts(pack: Pack, found: Sequence[Clip]) -> list[tuple[str, Picture]]:
    """The person of each frame that shows one, and the part about the face."""
    return [(clip.person, _part(picture, box)) for clip in found for picture in clip.frames if (box := _best(pack, picture)) is not None]


def _best(pack: Pack, picture: Picture) -> Box | None:
    found = pack.detector.detect(picture)
    return found[0].box if found else None


def _part(picture: Picture, box: Box) -> Picture:
    height, width = picture.shape[:2]
    x, y = (int(np.clip(middle - SIDE / 2, 0, size - SIDE)) for middle, size in zip(box.centre, (width, height), strict=True))
    return picture[y : y + SIDE, x : x + SIDE].copy()
