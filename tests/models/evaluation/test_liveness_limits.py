from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import CameraMismatch, LimitsEdited, ModelError, VersionMismatch
from models.evaluation import limits_file
from models.evaluation.limits import read_limits, write_limits
from models.evaluation.liveness_limits import bounded, read_liveness, write_liveness
from models.evaluation.rates import BandLimits, proportion
from models.liveness_track import WINDOW

VERSION = "near-000000000000 wide-111111111111"
CAMERA = 'Maker "X" 测试 \x7f\\ 2'
REPORT = {
    "kind": "attacks",
    "made_at": "2026-01-02T03:04:00+00:00",
    "labels": {"file": "attacks.csv", "sha256": "a" * 64},
    "people": 0,
    "version": VERSION,
    "models": {"minifasnet-v2": "0" * 64},
}
LIMITS = bounded(live=0.8, attack=0.25)
PROMISES = (proportion("track", "BPCER", 0, 20, 0.03),)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "liveness.toml"
    write_liveness(path, LIMITS, CAMERA, PROMISES, REPORT)
    return path


def test_what_was_written_is_read_again(written: Path) -> None:
    found = read_liveness(written, VERSION, CAMERA)
    assert found == LIMITS
    assert (found.live, found.attack) == (0.8, 0.25)
    assert found.border == WINDOW.border
    assert "cannot be stated from N=20 (a claim of 0.03 needs 100)" in written.read_text()


def test_limits_of_other_networks_are_refused(written: Path) -> None:
    with pytest.raises(VersionMismatch, match="this program judges with other"):
        read_liveness(written, "other", CAMERA)


@pytest.mark.parametrize("camera", ["", "Maker", CAMERA.upper(), f"{CAMERA} "])
def test_limits_of_another_camera_model_are_refused(written: Path, camera: str) -> None:
    with pytest.raises(CameraMismatch, match=r"measured with the camera model .* with pictures of that model"):
        read_liveness(written, VERSION, camera)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("live = 0.8", "live = 0.6"),
        ("attack = 0.25", "attack = 0.5"),
        ("trials = 20", "trials = 20000"),
        (VERSION, "other"),
        ('model = "Maker', 'model = "Faker'),
        ("checksum = ", "# checksum = "),
        ("[limits]", "[limits"),
        ("live = 0.8\n", ""),
    ],
)
def test_an_edited_file_is_noticed(written: Path, old: str, new: str) -> None:
    text = written.read_text()
    assert old in text
    written.write_text(text.replace(old, new, 1))
    with pytest.raises(LimitsEdited, match=r"liveness\.toml .*make it again"):
        read_liveness(written, VERSION, CAMERA)


def test_every_flipped_bit_of_the_values_is_noticed_or_harmless(written: Path) -> None:
    sound = written.read_bytes()
    for place in range(0, len(sound), 3):
        broken = bytearray(sound)
        broken[place] ^= 1
        written.write_bytes(broken)
        try:
            assert read_liveness(written, VERSION, CAMERA) == LIMITS  # a comment, or a space
        except ModelError as error:
            assert isinstance(error, LimitsEdited)


@pytest.mark.parametrize(
    "limits", [{"live": 0.95, "attack": 0.3}, {"live": 0.3, "attack": 0.3}, {"live": 0.8}, {"live": "0.8", "attack": 0.1}, {}]
)
def test_sound_files_with_impossible_limits_are_refused(tmp_path: Path, limits: dict[str, object]) -> None:
    path = tmp_path / "a.toml"
    limits_file.write(path, "", {"limits": limits, "camera": {"model": CAMERA}, "models": {"liveness_version": VERSION}})
    with pytest.raises(LimitsEdited, match="does not hold what liveness limits need"):
        read_liveness(path, VERSION, CAMERA)


def test_a_file_of_one_kind_is_not_read_as_the_other(written: Path, tmp_path: Path, make_report: Callable[..., object]) -> None:
    with pytest.raises(LimitsEdited, match="does not hold what limits need"):
        read_limits(written, VERSION)
    report = make_report([0.9], [0.1])
    assert isinstance(report, dict)
    write_limits(tmp_path / "bands.toml", BandLimits(), (), report)
    with pytest.raises(LimitsEdited, match="does not hold what liveness limits need"):
        read_liveness(tmp_path / "bands.toml", VERSION, CAMERA)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_liveness(tmp_path / "none.toml", VERSION, CAMERA)


@pytest.mark.parametrize(
    ("live", "attack"), [(0.0, 0.0), (0.91, 0.3), (0.5, 0.5), (0.5, -0.01), (0.9, 0.66), (float("nan"), 0.3), (0.7, float("nan"))]
)
def test_bounds(live: float, attack: float) -> None:
    with pytest.raises(ValueError, match=r"must lie"):
        bounded(live=live, attack=attack)
