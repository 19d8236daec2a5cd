"""Settings: everything is checked at start, and everything stands in the example."""

import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from contract.events import EvidenceMode
from edge_agent.errors import BadSettings
from edge_agent.sections.core import Limits, LivenessSettings
from edge_agent.settings import Settings, load
from models.evaluation.rates import BandLimits
from models.liveness_track import WINDOW

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "agent.example.toml"


def write(folder: Path, old: str = "", new: str = "") -> Path:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert old in text
    path = folder / "agent.toml"
    path.write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    return path


def test_example_holds_every_setting_with_its_default() -> None:
    table = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    for name, field in Settings.model_fields.items():
        assert name in table, f"setting {name} is missing in {EXAMPLE.name}"
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            may_be_left_out = {key for key, value in section.model_fields.items() if value.default is None}
            assert table[name].keys() | may_be_left_out == section.model_fields.keys(), f"[{name}] in {EXAMPLE.name}"
            defaults = {key: value.default for key, value in section.model_fields.items() if value.default not in (None, ...)}
            for key, default in defaults.items():
                if not section.model_fields[key].is_required():
                    assert table[name][key] == default, f"[{name}] {key}"


def test_every_setting_says_why() -> None:
    sections = [Settings, *(field.annotation for field in Settings.model_fields.values())]
    for section in sections:
        if isinstance(section, type) and issubclass(section, BaseModel) and section is not Settings:
            assert all(field.description for field in section.model_fields.values()), section


def test_relative_paths_are_taken_from_the_file(tmp_path: Path) -> None:
    settings = load(write(tmp_path, 'source = "rtsp://camera.example/stream"', 'source = "clip.mkv"'))
    assert settings.files.sign_key == tmp_path / "sign.pem"
    assert settings.windows[0].source == str(tmp_path / "clip.mkv")


def test_addresses_and_usb_numbers_stay(tmp_path: Path) -> None:
    assert load(write(tmp_path)).windows[0].source == "rtsp://camera.example/stream"
    assert load(write(tmp_path, 'source = "rtsp://camera.example/stream"', 'source = "0"')).windows[0].source == "0"


def test_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_BROKER__HOST", "other.example")
    settings = load(write(tmp_path))
    assert (settings.broker.host, settings.broker.port) == ("other.example", 8883)


def test_pictures_stay_without_a_legal_basis(tmp_path: Path) -> None:
    settings = load(write(tmp_path, 'evidence_mode = "verdict_only"', 'evidence_mode = "all"'))
    assert settings.evidence is EvidenceMode.VERDICT_ONLY
    path = write(tmp_path, 'evidence_mode = "verdict_only"', 'evidence_mode = "all"')
    path.write_text(path.read_text(encoding="utf-8").replace('legal_basis = ""', 'legal_basis = "contract 7"'), encoding="utf-8")
    assert load(path).evidence is EvidenceMode.ALL


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("analyse_fps", "analize_fps", "analize_fps"),
        ("same = 0.65", "same = 0.34", "must lie below same"),
        ("live = 0.7", "live = 0.2", "must lie below live"),
        ("live = 0.7", "live = 0.95", "liveness.live"),
        ("zone = [0.1, 0.0, 0.9, 1.0]", "zone = [0.9, 0.0, 0.1, 1.0]", "zone"),
        ("port = 8883", "port = 0", "broker.port"),
        ('device_id = "P33010000001-t1"', 'device_id = "a/b"', "device_id"),
        ("[till]", "[till", "not TOML"),
        ('seal_key = "AAAA', 'seal_key = "short', "centre.seal_key"),
        ('# log_key = "window-watch.log/0123456789abcdef+81', 'log_key = "window-watch.log/0123456789abcdef+00', "centre.log_key"),
        ('# log_key = "window-watch.log', 'log_key = "witness.example+x+', "centre.log_key"),
    ],
)
def test_wrong_values_are_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(BadSettings, match=says.replace("[", r"\[")):
        load(write(tmp_path, old, new))


def test_two_windows_need_two_names(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + '\n[[windows]]\nwindow = "W1"\nsource = "0"\n', encoding="utf-8")
    with pytest.raises(BadSettings, match="same name"):
        load(path)


def test_liveness_is_fused_by_what_is_set(tmp_path: Path) -> None:
    limits = load(write(tmp_path, "border = 0.3", "border = 2.0")).liveness.limits()
    assert (limits.border, limits.live, limits.min_shots) == (2.0, WINDOW.live, WINDOW.min_shots)
    assert LivenessSettings().limits() == WINDOW


def test_a_missing_file_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"agent\.example\.toml"):
        load(tmp_path / "none.toml")


def test_hash_follows_the_values(tmp_path: Path) -> None:
    first, second = load(write(tmp_path)), load(write(tmp_path, "same = 0.65", "same = 0.66"))
    assert first.limits.sha256() != second.limits.sha256()
    assert first.sha256() != second.sha256()
    assert first.sha256() == load(write(tmp_path)).sha256()


def test_the_defaults_are_those_that_evaluations_measure_against() -> None:
    assert Limits().bands() == BandLimits()


def test_measured_limits_and_values_beside_them_contradict(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"same, different, min_good_frames, per_decade, min_strength must not stand beside measured"):
        load(write(tmp_path, '# measured = "limits.toml"', 'measured = "limits.toml"'))


def test_a_liveness_calibration_needs_to_know_its_camera(tmp_path: Path) -> None:
    path = write(tmp_path, '# liveness_limits = "camera.toml"', 'liveness_limits = "camera.toml"')
    with pytest.raises(BadSettings, match=r"liveness_limits .* needs camera_model"):
        load(path)
    path.write_text(path.read_text(encoding="utf-8").replace('camera_model = ""', 'camera_model = " Maker 1 "'), encoding="utf-8")
    (window,) = load(path).windows
    assert (window.camera_model, window.liveness_limits) == ("Maker 1", tmp_path / "camera.toml")


def test_an_overlay_stands_above_the_file_and_below_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = {"limits": {"same": 0.7}, "times": {"idle_fps": 4}}
    monkeypatch.setenv("EDGE_TIMES__IDLE_FPS", "2")
    settings, own = load(write(tmp_path), overlay), load(write(tmp_path))
    assert (settings.limits.same, settings.limits.different, settings.times.idle_fps) == (0.7, 0.35, 2.0)
    assert (own.limits.same, own.times.idle_fps) == (0.65, 2.0) and own.sha256() != settings.sha256()


@pytest.mark.parametrize("overlay", [{"limits": {"same": 2}}, {"limits": {"smae": 0.5}}, {"lmits": {"same": 0.5}}])
def test_an_overlay_is_checked_as_the_file_is(tmp_path: Path, overlay: dict[str, dict[str, float]]) -> None:
    with pytest.raises(BadSettings, match=r"limits\.same|limits\.smae|lmits"):
        load(write(tmp_path), overlay)
