from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from models.errors import BadLabels
from models.evaluation.collect import CLIP
from models.evaluation.intervals import Interval
from models.evaluation.rates import BandLimits, Rate, Targets, det, operating_points, proportion, rates
from models.evaluation.scores import Measured, level

Make = Callable[[list[float], list[float]], Measured]
LIMITS = BandLimits(same=0.6, different=0.3, min_good_frames=3)


def by_name(measured: Measured) -> dict[str, Rate]:
    return {rate.name: rate for rate in rates(measured, LIMITS, Targets())}


def test_each_band_counts_its_own_errors(make_measured: Make) -> None:
    found = by_name(make_measured([0.9, 0.6, 0.59, 0.31, 0.3], [0.7, 0.6, 0.5, 0.3, 0.29, -0.1]))
    counts = {name: (rate.errors, rate.trials) for name, rate in found.items()}
    assert counts == {
        "FTE": (0, 4),
        "FMR at same=0.6": (2, 6),
        "FNMR at same=0.6": (3, 5),
        "FNMR at different=0.3": (1, 5),
        "FMR at different=0.3": (3, 6),
    }


def test_rates_of_known_distributions_lie_in_their_intervals(make_measured: Make) -> None:
    mated, other = NormalDist(0.85, 0.1), NormalDist(0.2, 0.15)
    random = np.random.default_rng(4)
    measured = make_measured(random.normal(0.85, 0.1, 20_000).tolist(), random.normal(0.2, 0.15, 20_000).tolist())
    truth = {
        "FNMR at same=0.6": mated.cdf(0.6),
        "FMR at same=0.6": 1 - other.cdf(0.6),
        "FMR at different=0.3": 1 - other.cdf(0.3),
    }
    found = by_name(measured)
    for name, rate in truth.items():
        assert found[name].exact.low < rate < found[name].exact.high
        assert found[name].stated


def test_the_det_curve_is_that_of_the_distributions(make_measured: Make) -> None:
    random = np.random.default_rng(4)
    (only,) = make_measured(random.normal(0.7, 0.1, 20_000).tolist(), random.normal(0.3, 0.1, 20_000).tolist()).levels
    thresholds, fmr, fnmr = det(only)
    assert (np.diff(thresholds) > 0).all()
    assert (np.diff(fmr) <= 0).all()
    assert (np.diff(fnmr) >= 0).all()
    assert (fmr[0], fnmr[0]) == (1, 0)
    assert (fmr[-1], fnmr[-1]) == (0, 1)
    middle = int(np.argmin(np.abs(thresholds - 0.5)))
    assert fmr[middle] == pytest.approx(NormalDist().cdf(-2), abs=0.006)
    assert fnmr[middle] == pytest.approx(NormalDist().cdf(-2), abs=0.006)


def test_operating_points_stop_where_the_trials_carry_no_further(make_measured: Make) -> None:
    random = np.random.default_rng(4)
    (only,) = make_measured(random.normal(0.7, 0.1, 5000).tolist(), random.normal(0.3, 0.1, 5000).tolist()).levels
    points = list(operating_points(only))
    assert [fmr for fmr, *_ in points] == [0.1, 0.01, 0.001]  # 0.0001 would need 30,000 trials
    for fmr, threshold, errors, trials in points:
        assert (only.non_mated >= threshold).mean() <= fmr
        assert errors / trials == pytest.approx(NormalDist(0.7, 0.1).cdf(threshold), abs=0.02)


@pytest.mark.parametrize(("mated", "non_mated"), [([], []), ([0.9], []), ([], [0.1])])
def test_without_one_kind_of_trials_there_is_no_curve_and_no_rate(make_measured: Make, mated: list[float], non_mated: list[float]) -> None:
    measured = make_measured(mated, non_mated)
    assert not det(measured.levels[0])[0].size
    assert not list(operating_points(measured.levels[0]))
    assert all(not rate.stated for rate in by_name(measured).values())


@pytest.mark.parametrize(
    ("errors", "trials", "statement"),
    [
        (0, 299, "cannot be stated from N=299 (a claim of 0.01 needs 300)"),
        (0, 300, "at most 0.01 holds"),
        (1, 300, "at most 0.01 is open"),
        (30, 300, "at most 0.01 does not hold"),
        (0, 0, "cannot be stated from N=0 (a claim of 0.01 needs 300)"),
    ],
)
def test_only_what_the_trials_carry_is_said(errors: int, trials: int, statement: str) -> None:
    assert proportion("clip", "FNMR", errors, trials, 0.01).statement == statement


def test_frames_of_one_clip_claim_nothing_and_persons_may_refuse_what_trials_allow() -> None:
    rate = proportion("frame", "FNMR", 10, 10_000, 0.01)
    assert rate.statement == "at most 0.01 holds"
    assert replace(rate, by_person=Interval(low=0.0, high=0.02)).statement == "at most 0.01 is open"
    assert replace(rate, independent=False).statement.startswith("not claimed")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_score_that_is_not_finite_is_never_measured(bad: float) -> None:
    with pytest.raises(BadLabels, match="1 of 2 scores at the level clip are not finite"):
        level(CLIP, {"a": 0}, [("a", "a", 0.5), ("a", "a", bad)], independent=True)


@pytest.mark.parametrize(
    "change",
    [
        {"same": 0.3},
        {"different": 0.7},
        {"same": float("nan")},
        {"min_good_frames": 0},
        {"same": 1.5},
        {"min_strength": -0.1},
        {"min_strength": float("inf")},
    ],
)
def test_bands_that_overlap_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must"):
        replace(LIMITS, **change)


def test_a_target_is_a_rate() -> None:
    with pytest.raises(ValueError, match="the target fmr must lie between 0 and 1"):
        Targets(fmr=0)
