"""What the bench says of made counts, and how it moves boxes; what the networks say is in tests/models/test_liveness_measured.py."""

from pathlib import Path

import numpy as np
import pytest

from models.evaluation.attacks import PICTURE, TRACK, Judged
from models.evaluation.rates import Rate, proportion
from models.liveness_track import WINDOW, LivenessVerdict, Verdict
from models.results import Box, Face
from scripts.benchmarks import liveness
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.liveness import FPS, JITTER, PART_STEP, PARTS, SCENE, Track, jittered, parts, rate_figure, rates

BOX = Box(x0=100, y0=50, x1=200, y1=170)


def judged(level: str, kind: str, verdict: Verdict, count: int) -> list[Judged]:
    return [Judged(level=level, kind=kind, verdict=LivenessVerdict(verdict=verdict, score=0.5, reasons=()))] * count


def figure(rate: Rate) -> tuple[float, float | None, bool | None]:
    found = rate_figure(rate, "drawn")
    return found.value, found.at_most, found.holds


def test_a_moved_box_stays_within_what_is_said() -> None:
    random = np.random.default_rng(1)
    drawn = [jittered(BOX, random) for _ in range(500)]
    shifts = np.array([np.subtract(box.centre, BOX.centre) / (BOX.width, BOX.height) for box in drawn])
    sizes = np.array([(box.width / BOX.width, box.height / BOX.height) for box in drawn])
    assert np.abs(shifts).max() <= JITTER + 1e-9
    assert np.abs(sizes - 1).max() <= JITTER + 1e-9
    assert np.abs(shifts).max() > 0.19 and np.abs(sizes - 1).max() > 0.19


def test_parts_are_stretches_of_one_track() -> None:
    face = Face(box=BOX, score=0.9, landmarks=np.zeros((5, 2), np.float32))
    short, long = sorted(PARTS.values())
    seen = [(np.full((1, 1, 3), number, np.uint8), face) for number in range(long + 3)]
    found = list(parts([Track(level=TRACK, kind="live", seen=seen), Track(level=TRACK, kind="live", seen=seen[: short - 1])]))
    for level, frames in PARTS.items():
        firsts = [int(track.seen[0][0][0, 0, 0]) for track in found if track.level == level]
        assert firsts == list(range(0, long + 3 - frames + 1, PART_STEP))
        assert {(len(track.seen), track.kind) for track in found if track.level == level} == {(frames, "live")}


def test_scenes_and_the_longer_parts_last_long_enough_to_be_asked_to_change() -> None:
    assert WINDOW.change_s <= (SCENE - 1) / FPS
    assert (max(PARTS.values()) - 1) / FPS >= WINDOW.change_s


def test_a_goal_is_asked_only_where_the_trials_decide() -> None:
    assert figure(proportion(TRACK, "BPCER", 0, 8, 0.03)) == (0, None, None)
    assert figure(proportion(TRACK, "BPCER", 0, 100, 0.03)) == (0, 3, True)
    assert figure(proportion(TRACK, "BPCER", 2, 100, 0.03)) == (2, None, None)  # open
    assert figure(proportion(TRACK, "BPCER", 20, 100, 0.03)) == (20, 3, False)
    assert figure(proportion(TRACK, "APCER made print", 0, 300, 0.01)) == (0, None, None)  # the worst kind is asked
    assert "drawn" in rate_figure(proportion(TRACK, "worst APCER (made print)", 0, 300, 0.01), "drawn").note
    assert "drawn" not in rate_figure(proportion(TRACK, "BPCER", 0, 8, 0.03), "drawn").note


def test_the_worst_kind_decides_and_parts_claim_nothing() -> None:
    everything = [
        *judged(TRACK, "made print", "attack", 300),
        *judged(TRACK, "made cutout", "live", 150),
        *judged(TRACK, "made cutout", "attack", 150),
        *judged(next(iter(PARTS)), "live", "live", 1000),
        *judged(PICTURE, "live", "live", 1),
    ]
    found = {(rate.level, rate.name): rate for rate in rates(everything)}
    assert figure(found[TRACK, "worst APCER (made cutout)"]) == (50, 1, False)
    assert found[next(iter(PARTS)), "BPCER"].statement.startswith("not claimed")
    assert figure(found[next(iter(PARTS)), "BPCER"]) == (0, None, None)


def test_a_track_without_a_face_has_no_verdict() -> None:
    class Never:
        version = "never"

        def score(self, crops: np.ndarray) -> np.ndarray:
            raise AssertionError(f"asked for {len(crops)} faces")

    assert liveness.verdict(Never(), Track(level=TRACK, kind="made print", seen=[])) is None


def test_without_material_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARED_DIR", str(tmp_path))
    with pytest.raises(CannotMeasure, match=r"labels\.csv does not exist; set SHARED_DIR|liveness is not evaluated"):
        liveness.measure(1, print)


def test_without_networks_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS_DIR", str(tmp_path))
    with pytest.raises(CannotMeasure, match="python -m models fetch"):
        liveness.measure(1, print)
