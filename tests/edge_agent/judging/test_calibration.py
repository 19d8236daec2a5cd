"""Limits that were measured replace the general ones, and nothing that does not fit is taken."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_agent.errors import BadSettings
from edge_agent.judging.calibration import liveness_limits, measured
from edge_agent.sections.core import Limits, LivenessSettings, Window
from models.evaluation.limits import write_limits
from models.evaluation.liveness_limits import write_liveness
from models.evaluation.rates import BandLimits
from models.liveness_track import WINDOW
from tests.fakes import BrightnessLiveness

EMBEDDER, NET = "colour-1", BrightnessLiveness()
OTHER: Any = {"same": 0.7, "different": 0.3, "min_good_frames": 5, "per_decade": 0.05, "min_strength": 20.0}


def report(version: str) -> dict[str, Any]:
    return {"version": version, "models": {}, "kind": "clips", "made_at": "2026-01-02", "labels": {"sha256": "0" * 64}, "people": 5}


@pytest.fixture
def bands(tmp_path: Path) -> Path:
    path = tmp_path / "limits.toml"
    write_limits(path, BandLimits(**OTHER), (), report(EMBEDDER))
    return path


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    path = tmp_path / "camera.toml"
    write_liveness(path, replace(WINDOW, live=0.8, attack=0.2), "Maker 1", (), report(NET.version))
    return path


def window(name: str, path: Path | None = None, model: str = "Maker 1") -> Window:
    return Window(window=name, source="0", camera_model=model, liveness_limits=path)


def test_measured_bands_replace_the_initial_ones_and_nothing_else(bands: Path) -> None:
    found = measured(Limits(measured=bands, empty_share=0.05), EMBEDDER)
    assert found == Limits(**OTHER, empty_share=0.05)
    assert found.sha256() == Limits(**OTHER, empty_share=0.05).sha256()


def test_without_a_file_the_settings_hold() -> None:
    assert measured(Limits(), EMBEDDER) == Limits()


@pytest.mark.parametrize("harm", ["other network", "edited", "missing", "no text"])
def test_a_file_that_does_not_fit_is_refused_by_name(bands: Path, harm: str) -> None:
    if harm == "edited":
        bands.write_text(bands.read_text(encoding="utf-8").replace("0.7", "0.5"), encoding="utf-8")
    elif harm == "missing":
        bands.unlink()
    elif harm == "no text":
        bands.write_bytes(b"\xff\x00")
    with pytest.raises(BadSettings, match=r"limits\.measured: .*limits\.toml"):
        measured(Limits(measured=bands), "another-1" if harm == "other network" else EMBEDDER)


def test_each_window_has_the_limits_of_its_camera_model(camera: Path) -> None:
    found = liveness_limits(LivenessSettings(border=2.0), [window("W1", camera), window("W2")], NET)
    assert found == {"W1": replace(WINDOW, live=0.8, attack=0.2, border=2.0)}


def test_without_networks_no_calibration_is_read(tmp_path: Path) -> None:
    assert liveness_limits(LivenessSettings(), [window("W1", tmp_path / "missing.toml")], None) == {}


@pytest.mark.parametrize(("model", "version"), [("Maker 2", NET.version), ("Maker 1", "another-1")], ids=["other camera", "other network"])
def test_a_calibration_of_something_else_is_refused_by_name(camera: Path, model: str, version: str) -> None:
    with pytest.raises(BadSettings, match=r"window W1, liveness_limits: .*camera\.toml"):
        liveness_limits(LivenessSettings(), [window("W1", camera, model)], BrightnessLiveness(version=version))
