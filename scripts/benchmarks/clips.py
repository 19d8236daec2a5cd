"""The labelled window clips that are measured on: real frames, decoded once and held in memory, so that no figure holds a decoder."""

import csv
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_agent.replay import frames
from models.results import Picture
from scripts.benchmarks.errors import CannotMeasure

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 640, 480


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """One recording of one person."""

    name: str
    person: str
    frames: tuple[Picture, ...]


def default_folder() -> Path:
    """Where the clips lie: data/window in SHARED_DIR, or in `shared` beside the project."""
    return Path(os.environ.get("SHARED_DIR", ROOT.parent / "shared")) / "data" / "window"


def read(folder: Path) -> tuple[Clip, ...]:
    """Every clip of 640 x 480 that shows a person, in the order of labels.csv. Raises CannotMeasure where they are missing."""
    labels = folder / "labels.csv"
    if not labels.is_file():
        raise CannotMeasure(f"there are no window clips to measure on: {labels} does not exist; set SHARED_DIR")
    with labels.open(newline="", encoding="utf-8") as file:
        rows = [(row["file"], row["person"]) for row in csv.DictReader(file) if row["person"]]
    clips = (Clip(name=Path(name).stem, person=person, frames=tuple(each for _, each in frames(folder / name))) for name, person in rows)
    return tuple(clip for clip in clips if clip.frames[0].shape == (HEIGHT, WIDTH, 3))


def by_person(clips: Iterable[Clip]) -> dict[str, list[Clip]]:
    """The clips of each person."""
    found = defaultdict(list)
    for clip in clips:
        found[clip.person].append(clip)
    return dict(found)
