"""The acceptance report: what is wrong is named, nobody's face is kept, and it is readable by its owner only."""

import os
from datetime import UTC, datetime
from pathlib import Path

import cv2
import pytest

from edge_agent.disk.disk import Disk
from edge_agent.enrol import weights
from edge_agent.enrol.acceptance import NOT_KEPT, Report, View, keep, lines, look, page
from edge_agent.health.doctor import Finding
from models import files
from models.errors import ModelError
from models.pack import load_pack
from models.picture import read
from tests.edge_agent.building import make_terminal

HOSTILE = "<script>alert(1)</script>"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def people_before_the_camera(folder: Path) -> tuple[Path, int]:
    """A recording of a group picture, and how many faces the detector finds in it."""
    try:
        found = len(load_pack().detector.detect(read(files.default_folder() / "demo-group-01.jpg")))
    except (ModelError, OSError) as error:
        pytest.skip(f"networks or demonstration pictures are not at hand: {error}")
    view = folder / "view"
    view.mkdir()
    for number in range(30):
        (view / f"{number:02d}.jpg").write_bytes((files.default_folder() / "demo-group-01.jpg").read_bytes())
    return view, found


def test_whoever_stands_before_the_camera_cannot_be_made_out(tmp_path: Path) -> None:
    view, found = people_before_the_camera(tmp_path)
    assert found >= 4
    terminal = make_terminal(tmp_path / "t1", windows=f'[[windows]]\nwindow = "W1"\nsource = "{view}"\n')
    report = look(terminal.settings_file, by="李", at=AT)
    (seen,) = report.views
    assert seen.jpeg is not None and seen.faces == found
    written = keep(report, terminal.folder, Disk())
    left = load_pack().detector.detect(read(written.with_name("W1.jpg")))
    assert [face for face in left if face.score >= 0.7] == []
    assert not report.accepted and "broker" in [finding.name for finding in report.findings if finding.problem]
    for path in written.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0
    assert written.parent.name == "20260102T030405Z"


def test_without_the_networks_no_picture_is_kept(tmp_path: Path) -> None:
    view = tmp_path / "view"
    view.mkdir()
    for number in range(20):
        (view / f"{number:02d}.png").write_bytes(cv2.imencode(".png", cv2.UMat(48, 64, cv2.CV_8UC3, (9, 9, 9)).get())[1].tobytes())
    terminal = make_terminal(tmp_path / "t1", windows=f'[[windows]]\nwindow = "W1"\nsource = "{view}"\n')
    text = terminal.settings_file.read_text().replace('data_dir = "data"', 'data_dir = "data"\nmodels_dir = "none"')
    terminal.settings_file.write_text(text)
    report = look(terminal.settings_file, by="李", at=AT)
    assert (report.views[0].jpeg, report.views[0].says) == (None, NOT_KEPT)
    assert [path.suffix for path in sorted(keep(report, terminal.folder, Disk()).parent.iterdir())] == [".html", ".txt"]


def test_what_is_wrong_is_named_and_nothing_said_becomes_code() -> None:
    report = Report(
        device="d-1",
        site="P1",
        centre_kid="k",
        by=HOSTILE,
        at=AT,
        findings=(Finding(name="keys", problem=None), Finding(name="camera W1", problem=f"no picture {HOSTILE}")),
        views=(View(window="W1", role="window", address=HOSTILE, jpeg=None, faces=0, says="no picture"),),
    )
    assert HOSTILE not in page(report) and "NOT accepted" in page(report)
    assert lines(report)[-1] == "NOT accepted: 1 of 2 trials failed"
    assert any(line.startswith("BAD  camera W1: no picture") for line in lines(report))


def test_networks_are_taken_from_a_folder_and_damaged_ones_are_not(tmp_path: Path) -> None:
    try:
        load_pack()
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")
    said: list[str] = []
    before = os.umask(0o077)
    assert weights.bring(tmp_path / "own", files.default_folder(), said.append) is None
    assert os.umask(before) == 0o077
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in [tmp_path / "own", *(tmp_path / "own").iterdir()]), "a service reads them"
    load_pack(tmp_path / "own")
    assert any("taken from" in line for line in said)
    carried = tmp_path / "carried"
    assert weights.bring(carried, tmp_path / "own", lambda _: None) is None
    with (carried / "mobilefacenet.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(os.urandom(64))
    lacking = weights.bring(tmp_path / "other", carried, lambda _: None)
    assert lacking is not None and "mobilefacenet" not in {path.stem for path in (tmp_path / "other").iterdir()}
