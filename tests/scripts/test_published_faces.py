"""The published faces are taken whole or not at all."""

from pathlib import Path

import cv2
import pytest

from models import registry
from models.errors import FetchFailed
from models.evaluation.labels import read_clips
from scripts.benchmarks import published_faces
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.published_faces import CLIPS, PERSONS, PICTURES, SIZE, clips


def test_forty_people_become_two_clips_each(tmp_path: Path) -> None:
    table = clips(tmp_path / "faces")
    rows = read_clips(table)
    assert (len(rows), len({row.person for row in rows})) == (PERSONS * CLIPS, PERSONS)
    capture = cv2.VideoCapture(str(rows[0].path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    assert len(frames) == PICTURES // CLIPS
    assert {frame.shape for frame in frames} == {(SIZE[1], SIZE[0], 3)}


def test_what_is_there_is_not_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "labels.csv").write_text("file,person,faces\n", encoding="utf-8")
    monkeypatch.setattr(registry, "download", None)
    assert clips(tmp_path) == tmp_path / "labels.csv"


def test_without_a_registry_it_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise FetchFailed("no registry")

    monkeypatch.setattr(registry, "download", refuse)
    with pytest.raises(CannotMeasure, match="no registry"):
        clips(tmp_path / "faces")
    assert not (tmp_path / "faces").exists()
    assert published_faces.ARCHIVE.sha256
