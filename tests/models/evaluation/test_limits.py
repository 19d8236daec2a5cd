from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import BadLabels, LimitsEdited, ModelError, VersionMismatch
from models.evaluation import limits_file
from models.evaluation.calibrate import above, below, calibrate
from models.evaluation.limits import read_limits, write_limits
from models.evaluation.rates import BandLimits

VERSION = "embedder-000000000000"
Make = Callable[..., Any]


@pytest.fixture
def written(make_report: Make, tmp_path: Path) -> Path:
    report = make_report([0.9] * 5, [0.2] * 20)
    path = tmp_path / "limits.toml"
    limits, promises = calibrate(report)
    write_limits(path, limits, promises, report)
    return path


def test_what_was_written_is_read_again(written: Path) -> None:
    assert read_limits(written, VERSION) == BandLimits()
    text = written.read_text()
    assert "cannot be stated from N=20 (a claim of 0.001 needs 3000)" in text
    assert f'embedder = "{"0" * 64}"' in text


def test_limits_of_another_embedder_are_refused(written: Path) -> None:
    with pytest.raises(VersionMismatch, match=f"measured with {VERSION}, this program compares with other-1"):
        read_limits(written, "other-1")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("same = 0.65", "same = 0.45"),
        ("different = 0.35", "different = 0.36"),
        ("min_good_frames = 3", "min_good_frames = 1"),
        ("per_decade = 0.13", "per_decade = 0.02"),
        ("min_strength = 54.0", "min_strength = 0.0"),
        ("trials = 20", "trials = 20000"),
        (VERSION, "other-1"),
        ("checksum = ", "# checksum = "),
        ("[limits]", "[limits"),
        ("same = 0.65\n", ""),
    ],
)
def test_an_edited_file_is_noticed(written: Path, old: str, new: str) -> None:
    text = written.read_text()
    assert old in text
    written.write_text(text.replace(old, new, 1))
    with pytest.raises(LimitsEdited, match=r"limits\.toml .*make it again"):
        read_limits(written, VERSION)


def test_every_flipped_bit_of_the_values_is_noticed_or_harmless(written: Path) -> None:
    sound, expected = written.read_bytes(), read_limits(written, VERSION)
    for place in range(0, len(sound), 3):
        broken = bytearray(sound)
        broken[place] ^= 1
        written.write_bytes(broken)
        try:
            assert read_limits(written, VERSION) == expected  # a comment, or a space
        except ModelError as error:
            assert isinstance(error, LimitsEdited)


def test_a_comment_may_be_added(written: Path) -> None:
    written.write_text(written.read_text() + "# seen by the quality officer\n")
    assert read_limits(written, VERSION) == BandLimits()


def test_a_file_from_before_searches_were_measured_gets_their_default(tmp_path: Path) -> None:
    content = {"limits": {"same": 0.7, "different": 0.3, "min_good_frames": 4}, "models": {"embedder_version": VERSION}}
    limits_file.write(tmp_path / "old.toml", "", content)
    assert read_limits(tmp_path / "old.toml", VERSION) == BandLimits(same=0.7, different=0.3, min_good_frames=4, min_strength=0)


def test_limits_of_another_network_have_its_own_strength_or_none(tmp_path: Path) -> None:
    bands = {"same": 0.5, "different": 0.2, "min_good_frames": 3, "per_decade": 0.1}
    for name, own, expected in (("silent.toml", {}, 0.0), ("own.toml", {"min_strength": 17.5}, 17.5)):
        limits_file.write(tmp_path / name, "", {"limits": bands | own, "models": {"embedder_version": "other-1"}})
        assert read_limits(tmp_path / name, "other-1").min_strength == expected


@pytest.mark.parametrize("value", [-0.1, "much"])
def test_a_strength_that_cannot_be_is_refused(tmp_path: Path, value: object) -> None:
    content = {"limits": {"same": 0.7, "different": 0.3, "min_strength": value}, "models": {"embedder_version": VERSION}}
    limits_file.write(tmp_path / "wrong.toml", "", content)
    with pytest.raises(LimitsEdited, match="does not hold what limits need"):
        read_limits(tmp_path / "wrong.toml", VERSION)


def test_strength_lets_the_measured_share_of_usable_frames_stay_clear(make_report: Make) -> None:
    strengths = np.random.default_rng(2).normal(20, 3, 4000)
    chosen = calibrate(make_report([0.9] * 5, [0.2] * 20, strengths=strengths))[0].min_strength
    assert (strengths >= chosen).mean() == pytest.approx(0.95, abs=0.002)


def test_without_strengths_the_one_in_force_stays(make_report: Make) -> None:
    force = replace(BandLimits(), min_strength=31.0)
    report = make_report([0.9] * 5, [0.2] * 20, force)
    assert report["strengths"] is None and calibrate(report)[0].min_strength == 31.0
    del report["strengths"], report["limits"]["min_strength"]  # as written before strengths were measured
    assert calibrate(report)[0].min_strength == 0


def test_few_trials_never_make_a_limit_laxer(make_report: Make) -> None:
    limits, promises = calibrate(make_report([0.95] * 3, [0.05] * 25))
    assert limits == BandLimits()
    assert all(promise.statement.startswith("cannot be stated") for promise in promises)


def test_few_trials_make_limits_stricter_when_the_scores_ask_for_it(make_report: Make) -> None:
    limits, _ = calibrate(make_report([0.9, 0.31], [0.1, 0.705]))
    assert (limits.same, limits.different) == (0.71, 0.3)


@pytest.mark.parametrize("score", [step / 100 for step in range(-100, 101)])
def test_a_score_on_a_hundredth_lies_beyond_its_limit_and_not_on_it(score: float) -> None:
    assert below(score) < score < above(score)
    assert above(score) - below(score) == pytest.approx(0.02)


def test_enough_trials_set_the_limits_that_reach_the_targets(make_report: Make) -> None:
    random = np.random.default_rng(1)
    mated, other = np.clip(random.normal(0.85, 0.03, 60_000), -1, 1), np.clip(random.normal(0.1, 0.1, 60_000), -1, 1)
    limits, promises = calibrate(make_report(mated, other))
    assert limits.same == pytest.approx(0.41, abs=0.02)  # 3.1 deviations above 0.1
    assert limits.different == pytest.approx(limits.same - 0.05)
    kept = {promise.name.split()[0]: promise for promise in promises if "same" in promise.name}
    assert kept["FMR"].statement == "at most 0.001 holds"
    assert kept["FMR"].exact.high <= 0.0011


def test_scores_without_room_between_the_bands_are_refused(make_report: Make) -> None:
    with pytest.raises(BadLabels, match="cannot be calibrated from this report"):
        calibrate(make_report([0.9], [1.0]))


@pytest.mark.parametrize(
    "change",
    [{"kind": "attacks"}, {"levels": {}}, {"limits": {"same": 2}}, {"levels": {"clip": {"mated": ["x"]}}}, {"strengths": {"low": "x"}}],
)
def test_a_report_of_another_kind_or_damaged_is_refused(make_report: Make, change: dict[str, Any]) -> None:
    with pytest.raises(BadLabels, match="make one with evaluate"):
        calibrate({**make_report([0.9], [0.1]), **change})


def test_a_score_edited_to_nan_is_refused(make_report: Make) -> None:
    report = make_report([0.9, 0.8], [0.1])
    report["levels"]["clip"]["mated"][0] = float("nan")
    with pytest.raises(BadLabels, match="not finite"):
        calibrate(report)


def test_limits_in_force_are_the_reports(make_report: Make) -> None:
    force = replace(BandLimits(), same=0.8, different=0.2, min_good_frames=7)
    assert calibrate(make_report([0.9], [0.1], force))[0] == force
