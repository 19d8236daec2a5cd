"""The commands on real pictures and on the clips, as somebody types them."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from models.__main__ import app
from models.evaluation.limits import read_limits
from models.evaluation.liveness_limits import read_liveness
from models.evaluation.page import page
from models.evaluation.rates import BandLimits
from models.files import sha256
from models.liveness_track import WINDOW
from models.pack import load_liveness

VERSION = "mobilefacenet-d8ba40c0127f"
run = CliRunner().invoke


@pytest.fixture(scope="module")
def evaluated(window: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    out = tmp_path_factory.mktemp("clips")
    done = run(app, ["evaluate", "--clips", str(window / "labels.csv"), "--out", str(out), "--folder", str(folder)])
    return done, out


def rates(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    report = json.loads((out / "report.json").read_text())
    return {(rate["level"], rate["name"]): rate for rate in report["rates"]}


def test_the_clips_have_no_error_as_a_whole_and_some_frame_by_frame(evaluated: tuple[Result, Path]) -> None:
    done, out = evaluated
    assert done.exit_code == 0, done.output
    found = rates(out)
    counts = {key: (rate["errors"], rate["trials"]) for key, rate in found.items()}
    assert counts["clip", "FNMR at same=0.65"] == (0, 3)
    assert counts["clip", "FMR at same=0.65"] == (0, 25)
    assert counts["clip", "FNMR at different=0.35"] == (0, 3)
    assert counts["attempt", "FTE"] == counts["attempt", "FTA"] == (0, 8)
    errors, trials = counts["frame", "FNMR at same=0.65"]
    assert trials > 500
    assert 0.01 < errors / trials < 0.15
    assert found["clip", "FMR at same=0.65"]["exact"]["high"] == pytest.approx(0.1372, abs=1e-4)


def test_the_printed_table_refuses_what_so_few_trials_cannot_carry(evaluated: tuple[Result, Path]) -> None:
    printed = evaluated[0].output
    assert "cannot be stated from N=3 (a claim of 0.01 needs 300)" in printed
    assert "cannot be stated from N=25 (a claim of 0.001 needs 3000)" in printed
    assert "not claimed: frames of one clip are not independent" in printed
    assert "d8ba40c0127f" in printed
    assert "0 clips without a face that gave a template" in printed
    assert re.search(r"1:N clip +FPIR of 5 at 0.741 +0 of 8 .*cannot be stated from N=8", printed)
    assert re.search(r"1:N clip +FNIR of 5 at 0.741 +0 of 6 ", printed)
    assert re.search(r"tail 3 fused: a tenth of the FMR costs 0.0\d\d", printed)
    assert re.search(r"strength of \d{3} usable frames: 5 % below 5\d\.\d, median 6\d\.\d", printed)


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(evaluated: tuple[Result, Path]) -> None:
    text = (evaluated[1] / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|https?:|url\(|@import|<img|<link", text)
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(drawings) == 3
    for drawing in drawings:
        assert ElementTree.fromstring(drawing).findall("*")  # noqa: S314  # our own text
    for heading in ("评测报告", "错误率", "一对多识别", "DET 曲线", "按融合帧数", "模型与阈值"):
        assert heading in text


def test_the_report_names_no_person_and_no_clip(evaluated: tuple[Result, Path]) -> None:
    for name in ("report.json", "report.html"):
        text = (evaluated[1] / name).read_text(encoding="utf-8")
        assert not re.search(r"\.mkv|\.gif|>[A-F]<|\"[A-F]\"", text)


def test_limits_come_out_of_the_report_and_go_into_the_next(
    evaluated: tuple[Result, Path], window: Path, folder: Path, tmp_path: Path
) -> None:
    limits = tmp_path / "limits.toml"
    done = run(app, ["calibrate", "--report", str(evaluated[1] / "report.json"), "--out", str(limits)])
    assert done.exit_code == 0, done.output
    assert "FMR at same=0.65: 0 of 25, cannot be stated" in done.output
    assert "clip FPIR of 100 at 0.91: 0 of 25, cannot be stated from N=25" in done.output
    bands, low = read_limits(limits, VERSION), json.loads((evaluated[1] / "report.json").read_text())["strengths"]["low"]
    assert bands == replace(BandLimits(), min_strength=bands.min_strength)
    assert low - 0.01 <= bands.min_strength <= low
    limits.write_text(limits.read_text().replace("same = 0.65", "same = 0.5"))
    arguments = ["--clips", str(window / "labels.csv"), "--out", str(tmp_path), "--folder", str(folder)]
    done = run(app, ["evaluate", *arguments, "--limits", str(limits)])
    assert done.exit_code == 1
    assert "LimitsEdited: " in done.stderr


def write_pairs(folder: Path, demo: Callable[[str], np.ndarray], extra: str = "") -> Path:
    for name in ("demo-person-01-a", "demo-person-01-b", "demo-person-02-a", "demo-person-01-half-1"):
        cv2.imwrite(str(folder / f"{name[12:]}.png"), demo(name))
    (folder / "blank.png").write_bytes(b"")
    rows = ["01-a.png,01-b.png,1", "01-a.png,02-a.png,0", "02-a.png,01-b.png,0", "01-half-1.png,02-a.png,0", "blank.png,02-a.png,0"]
    table = folder / "pairs.csv"
    table.write_text("\n".join(["file_x,file_y,same", *rows, extra]) + "\n")
    return table


def test_pairs_of_pictures(tmp_path: Path, folder: Path, demo: Callable[[str], np.ndarray]) -> None:
    out = tmp_path / "new" / "folder"
    done = run(app, ["evaluate", "--pairs", str(write_pairs(tmp_path, demo)), "--out", str(out), "--folder", str(folder)])
    assert done.exit_code == 0, done.output
    counts = {key: (rate["errors"], rate["trials"]) for key, rate in rates(out).items()}
    assert counts["attempt", "FTE"] == (2, 4)
    assert counts["attempt", "FTA"] == (0, 2)
    assert counts["picture", "FNMR at same=0.65"] == (0, 1)
    assert counts["picture", "FMR at same=0.65"] == (0, 2)
    assert "1 refused: cut_off, 1 refused: not_a_picture" in done.output


def test_weights_of_ones_own_are_measured_and_calibrated_under_their_name(
    tmp_path: Path, folder: Path, demo: Callable[[str], np.ndarray]
) -> None:
    pytest.importorskip("insightface", reason="the optional extra `insightface` is not installed")
    own = shutil.copy(folder / "mobilefacenet.onnx", tmp_path / "own.onnx")
    asked = ["evaluate", "--pairs", str(write_pairs(tmp_path, demo)), "--out", str(tmp_path / "out"), "--folder", str(folder)]
    done = run(app, [*asked, "--embedder", str(own)])
    assert done.exit_code == 1 and "name the licence" in done.stderr
    assert run(app, [*asked, "--embedder", str(own), "--licence", "Apache-2.0"]).exit_code == 0
    limits = tmp_path / "limits.toml"
    done = run(app, ["calibrate", "--report", str(tmp_path / "out" / "report.json"), "--out", str(limits)])
    assert done.exit_code == 0, done.output
    assert read_limits(limits, f"own-{sha256(own.read_bytes())[:12]}").same >= BandLimits().same


def test_attacks_without_liveness_networks_are_not_evaluated(tmp_path: Path, folder: Path, demo: Callable[[str], np.ndarray]) -> None:
    for name in ("centerface.onnx", "mobilefacenet.onnx"):
        for file in (name, f"{name}.json"):
            shutil.copy(folder / file, tmp_path)
    cv2.imwrite(str(tmp_path / "a.png"), demo("demo-person-04-a"))
    (tmp_path / "attacks.csv").write_text("file,label\na.png,live\n")
    out = tmp_path / "out"
    done = run(app, ["evaluate", "--attacks", str(tmp_path / "attacks.csv"), "--out", str(out), "--folder", str(tmp_path)])
    assert done.exit_code == 1
    assert "WeightsMissing: liveness was not evaluated" in done.stderr
    assert not out.exists()


@pytest.fixture(scope="module")
def presented(window: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """The labelled pictures and one clip."""
    if load_liveness(folder) is None:
        pytest.skip(f"the liveness networks are not in {folder}: python -m models fetch --pack liveness")
    out = tmp_path_factory.mktemp("attacks")
    for name in ("image_T1.jpg", "image_F1.jpg", "image_F2.jpg"):
        shutil.copy(window.parent / "pad" / name, out)
    shutil.copy(window / "milk.mkv", out)
    table = out / "attacks.csv"
    table.write_text("file,label\nimage_T1.jpg,live\nimage_F1.jpg,shown\nimage_F2.jpg,shown\nmilk.mkv,live\n")
    return run(app, ["evaluate", "--attacks", str(table), "--out", str(out), "--folder", str(folder)]), out


def test_the_labelled_presentations(presented: tuple[Result, Path]) -> None:
    done, out = presented
    assert done.exit_code == 0, done.output
    counts = {key: (rate["errors"], rate["trials"]) for key, rate in rates(out).items()}
    assert counts["track", "BPCER"] == counts["picture", "BPCER"] == (0, 1)
    assert counts["picture", "APCER shown"] == counts["picture", "worst APCER (shown)"] == (0, 2)
    assert "cannot be stated from N=2 (a claim of 0.01 needs 300)" in done.output
    assert not re.search(r"image_T1|milk", (out / "report.json").read_text() + (out / "report.html").read_text(encoding="utf-8"))


def test_liveness_limits_of_a_camera_come_out_of_the_report_and_go_into_the_next(presented: tuple[Result, Path], folder: Path) -> None:
    out = presented[1]
    limits = out / "liveness.toml"
    done = run(app, ["calibrate", "--report", str(out / "report.json"), "--camera", " Maker X-1 ", "--out", str(limits)])
    assert done.exit_code == 0, done.output
    assert "live 0.7, attack 0.3 for Maker X-1" in done.output
    version = json.loads((out / "report.json").read_text())["version"]
    assert read_liveness(limits, version, "Maker X-1") == WINDOW
    arguments = ["evaluate", "--attacks", str(out / "attacks.csv"), "--limits", str(limits), "--folder", str(folder)]
    again = run(app, [*arguments, "--camera", "Maker X-1", "--out", str(out / "again")])
    assert again.exit_code == 0, again.output
    assert rates(out / "again") == rates(out)
    refused = run(app, [*arguments, "--out", str(out / "refused")])
    assert (refused.exit_code, (out / "refused").exists()) == (1, False)
    assert "CameraMismatch: " in refused.stderr


@pytest.mark.parametrize(("fixture", "camera"), [("presented", []), ("evaluated", ["--camera", "Maker X-1"])])
def test_a_report_of_one_kind_gives_no_limits_of_the_other(
    request: pytest.FixtureRequest, tmp_path: Path, fixture: str, camera: list[str]
) -> None:
    report = request.getfixturevalue(fixture)[1] / "report.json"
    done = run(app, ["calibrate", "--report", str(report), "--out", str(tmp_path / "limits.toml"), *camera])
    assert done.exit_code == 1
    assert "BadLabels: " in done.stderr
    assert not (tmp_path / "limits.toml").exists()


@pytest.mark.parametrize("options", [[], ["--clips", "a.csv", "--pairs", "b.csv"]])
def test_exactly_one_table_is_asked_for(tmp_path: Path, options: list[str]) -> None:
    done = run(app, ["evaluate", *options, "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "BadLabels: give exactly one of --clips, --pairs and --attacks" in done.stderr


def test_a_table_that_is_not_there_is_named(tmp_path: Path, folder: Path) -> None:
    done = run(app, ["evaluate", "--clips", str(tmp_path / "none.csv"), "--out", str(tmp_path), "--folder", str(folder)])
    assert done.exit_code == 1
    assert "none.csv" in done.stderr


def test_a_clip_without_frames_is_named(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(b"no clip at all")
    (tmp_path / "labels.csv").write_text("file,person,faces\na.mkv,A,1\n")
    done = run(app, ["evaluate", "--clips", str(tmp_path / "labels.csv"), "--out", str(tmp_path / "out"), "--folder", str(folder)])
    assert done.exit_code == 1
    assert "a.mkv holds no frame that can be decoded" in done.stderr


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 99}'])
def test_what_is_no_report_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(content)
    done = run(app, ["calibrate", "--report", str(path), "--out", str(tmp_path / "limits.toml")])
    assert done.exit_code == 1
    assert "BadLabels: " in done.stderr
    assert not (tmp_path / "limits.toml").exists()


def test_names_from_outside_cannot_become_markup(make_report: Callable[..., Any]) -> None:
    report = make_report([0.9], [0.1])
    report["labels"]["file"] = "<script>alert(1)</script>"
    report["counts"] = {"<b>refused": 1}
    text = page(report)
    assert "<script" not in text
    assert "<b>" not in text
