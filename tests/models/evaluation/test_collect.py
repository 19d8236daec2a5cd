"""Failures are counted, not dropped: a clip that gives nothing is an error of enrolment and of capture."""

from pathlib import Path

import pytest

from models.errors import BadLabels
from models.evaluation.collect import FTA, FTA_FRAME, FTE, frames_of, measure_clips
from models.evaluation.labels import Clip
from models.evaluation.rates import BandLimits, Targets, rates
from models.pack import Pack


def test_a_clip_without_a_usable_face_fails_both_ways_and_is_not_compared(pack: Pack, window: Path) -> None:
    behind, front = window / "no-face-visitors.gif", window / "eat.mkv"
    measured = measure_clips(pack, [Clip(path=behind, person="X"), Clip(path=front, person="D")], fps=3, min_good_frames=3)
    counts = {tried.name: (int(tried.failed.sum()), len(tried.failed)) for tried in measured.attempts}
    assert counts[FTE] == counts[FTA] == (1, 2)
    failed, frames = counts[FTA_FRAME]
    assert 0 < failed < frames == measured.counts["frames"]
    assert all(not len(level.scores) for level in measured.levels)
    assert {rate.trials for rate in rates(measured, BandLimits(), Targets()) if rate.level != "attempt"} == {0}


def test_a_clip_with_too_few_good_frames_is_no_capture(pack: Pack, window: Path) -> None:
    clips = [Clip(path=window / "eat.mkv", person="D"), Clip(path=window / "book.mkv", person="C")]
    measured = measure_clips(pack, clips, fps=2, min_good_frames=5)
    failed = {tried.name: tried.failed.tolist() for tried in measured.attempts}
    assert failed[FTE] == [False, False]
    assert failed[FTA] == [True, False]
    assert not len(measured.level("clip").scores)
    assert len(measured.level("frame").scores)
    alone = measure_clips(pack, clips[1:], fps=2, min_good_frames=5)
    assert measured.strengths.tolist() == alone.strengths.tolist() and len(alone.strengths) >= 5
    assert 40 < measured.strengths.min() <= measured.strengths.max() < 80


def test_persons_of_an_empty_clip_are_none(pack: Pack, window: Path) -> None:
    measured = measure_clips(pack, [Clip(path=window / "no-face-visitors.gif", person=None)], fps=1, min_good_frames=3)
    assert measured.people == 0
    assert measured.counts["clips without a face that gave a template"] == 0
    assert {rate.trials for rate in rates(measured, BandLimits(), Targets())} == {0}


@pytest.mark.parametrize(("fps", "expected"), [(30.0, 47), (6.0, 10), (100.0, 47), (0.5, 1)])
def test_frames_are_taken_at_the_asked_rate(window: Path, fps: float, expected: int) -> None:
    assert sum(1 for _ in frames_of(window / "eat.mkv", fps)) == expected


def test_what_is_no_clip_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(b"x" * 1000)
    with pytest.raises(BadLabels, match=r"a\.mkv holds no frame"):
        list(frames_of(tmp_path / "a.mkv", 6))
