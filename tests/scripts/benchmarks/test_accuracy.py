import numpy as np
import pytest

from scripts.benchmarks.accuracy import Described, equal_error_rate, errors, trials

NOTHING = [np.nan, np.nan]


def clip(person: str, *vectors: list[float]) -> Described:
    return Described(person=person, vectors=np.array(vectors, np.float64))


def test_only_frames_of_different_clips_are_compared() -> None:
    mated, non_mated = trials([clip("A", [1, 0], [1, 0]), clip("A", [1, 0]), clip("B", [0, 1])])
    assert mated.tolist() == [0, 0]
    assert np.allclose(non_mated, -np.sqrt(2))
    assert len(non_mated) == 3


def test_frames_without_a_face_take_no_part() -> None:
    mated, non_mated = trials([clip("A", [1, 0], NOTHING), clip("A", NOTHING), clip("B", [0, 1], NOTHING)])
    assert (len(mated), len(non_mated)) == (0, 1)


def test_the_miss_rate_is_taken_at_the_allowed_share_of_false_matches() -> None:
    """People on a line: A at 0, seen again at 0.05 and at -0.5; B at 1, but three times at 0.1, where 105 of 4,000 trials look like A."""
    clips = [clip("A", *[[0.0]] * 30), clip("A", *[[0.05]] * 5, *[[-0.5]] * 5), clip("B", *[[1.0]] * 97, *[[0.1]] * 3)]
    strict = errors(clips, fmr=0.02)  # 80 of 4,000: the distance must stay below 0.1
    assert (strict.mated, strict.non_mated) == (300, 4000)
    assert strict.fnmr == pytest.approx(0.5)
    assert errors(clips, fmr=0.03).fnmr == 0  # 120 of 4,000: up to 0.6
    assert errors(clips, fmr=0.001).fnmr == 1  # 4 of 4,000: below 0.05


def test_too_few_trials_state_no_rate() -> None:
    with pytest.raises(ValueError, match="cannot carry"):
        errors([clip("A", [0.0]), clip("A", [0.0]), clip("B", [1.0])])


def test_the_equal_error_rate_is_where_both_rates_meet() -> None:
    assert equal_error_rate(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 0
    assert equal_error_rate(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == pytest.approx(1, abs=0.5)
    assert equal_error_rate(np.array([1.0, 3.0, 4.0, 5.0]), np.array([0.0, 0.5, 0.7, 3.5])) == pytest.approx(0.25)
