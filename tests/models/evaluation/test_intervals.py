from functools import cache
from math import comb
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.intervals import (
    Interval,
    binomial_tail,
    bootstrap,
    can_carry,
    clopper_pearson,
    draws,
    trials_needed,
    upper_bound,
)

REPETITIONS = 4000
interval = cache(clopper_pearson)


@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    [  # textbook values
        (0, 10, 0.0, 0.30850),
        (1, 10, 0.00253, 0.44502),
        (5, 10, 0.18709, 0.81291),
        (10, 10, 0.69150, 1.0),
        (0, 300, 0.0, 0.01222),
        (3, 1000, 0.00062, 0.00874),
    ],
)
def test_textbook_intervals(errors: int, trials: int, low: float, high: float) -> None:
    found = clopper_pearson(errors, trials)
    assert (found.low, found.high) == (pytest.approx(low, abs=2e-5), pytest.approx(high, abs=2e-5))


@pytest.mark.parametrize("trials", [1, 3, 17, 1000, 1_000_000])
def test_without_errors_the_interval_has_a_closed_form(trials: int) -> None:
    assert clopper_pearson(0, trials).high == pytest.approx(1 - 0.025 ** (1 / trials), rel=1e-9)
    assert upper_bound(0, trials) == pytest.approx(1 - 0.05 ** (1 / trials), rel=1e-9)
    assert clopper_pearson(trials, trials).low == pytest.approx(0.025 ** (1 / trials), rel=1e-9)


def test_no_trial_says_nothing() -> None:
    assert clopper_pearson(0, 0) == Interval(low=0.0, high=1.0)


@pytest.mark.parametrize(("errors", "trials"), [(-1, 5), (6, 5), (1, 0)])
def test_impossible_counts_are_refused(errors: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"{errors} errors in {trials} trials"):
        clopper_pearson(errors, trials)


@given(trials=st.integers(1, 60), least=st.integers(-1, 62), rate=st.floats(0, 1))
def test_the_tail_equals_the_plain_sum(trials: int, least: int, rate: float) -> None:
    plain = sum(comb(trials, count) * rate**count * (1 - rate) ** (trials - count) for count in range(max(0, least), trials + 1))
    assert binomial_tail(least, trials, rate) == pytest.approx(plain, abs=1e-10)


@given(trials=st.integers(1, 10_000), share=st.floats(0, 1))
def test_the_interval_holds_the_observed_rate_and_mirrors(trials: int, share: float) -> None:
    errors = round(share * trials)
    found, mirrored = clopper_pearson(errors, trials), clopper_pearson(trials - errors, trials)
    assert found.low <= errors / trials <= found.high
    assert (mirrored.low, mirrored.high) == (pytest.approx(1 - found.high, abs=1e-9), pytest.approx(1 - found.low, abs=1e-9))


@pytest.mark.parametrize(("rate", "trials"), [(0.05, 10_000), (0.1, 8000), (0.3, 5000)])
def test_exact_intervals_cover_the_true_rate_of_synthetic_scores(rate: float, trials: int) -> None:
    """Mated scores of a known distribution against a limit whose true FNMR is known."""
    truth = NormalDist(0.8, 0.1)
    limit = truth.inv_cdf(rate)
    random = np.random.default_rng(int(1000 * rate))
    errors = [int((random.normal(truth.mean, truth.stdev, trials) < limit).sum()) for _ in range(REPETITIONS)]
    covered = np.mean([(found := interval(count, trials)).low <= rate <= found.high for count in errors])
    assert 0.94 <= covered <= 0.96


@pytest.mark.parametrize("trials", [1, 7, 40, 150])
def test_exact_intervals_never_cover_less_than_promised(trials: int) -> None:
    for rate in np.linspace(0.001, 0.999, 97):
        missed = [count for count in range(trials + 1) if not interval(count, trials).low <= rate <= interval(count, trials).high]
        assert sum(binomial_tail(count, trials, rate) - binomial_tail(count + 1, trials, rate) for count in missed) <= 0.05 + 1e-9


def test_the_bootstrap_covers_where_the_trials_of_a_person_hang_together() -> None:
    """Each person has an own rate, spread around the true one: the exact interval, blind to that, covers far less."""
    persons, each, rate, spread, repetitions = 300, 20, 0.2, 4.0, 1500
    random = np.random.default_rng(8)
    own = random.beta(rate * spread, (1 - rate) * spread, (repetitions, persons))
    errors = random.binomial(each, own)
    drawn, trials = draws(persons), np.diag(np.full(persons, float(each)))
    by_person = [bootstrap(np.diag(row.astype(float)), trials, drawn) for row in errors]
    blind = [interval(int(row.sum()), persons * each) for row in errors]
    assert 0.94 <= np.mean([found is not None and found.low <= rate <= found.high for found in by_person]) <= 0.96
    assert np.mean([found.low <= rate <= found.high for found in blind]) < 0.75


def test_the_bootstrap_is_the_same_each_time_and_weighs_by_both_persons() -> None:
    assert np.array_equal(draws(5), draws(5))
    assert (draws(5).sum(axis=1) == 5).all()
    errors, trials = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[4.0, 2.0], [0.0, 4.0]])
    found = bootstrap(errors, trials, np.array([[1.0, 1.0]]))
    assert found == Interval(low=0.1, high=0.1)
    assert bootstrap(errors, np.array([[0.0, 2.0], [0.0, 0.0]]), np.array([[2.0, 0.0]])) is None


@pytest.mark.parametrize(("target", "needed"), [(0.001, 3000), (0.01, 300), (0.03, 100), (1e-4, 30_000), (0.07, 43)])
def test_a_claim_needs_three_over_its_target(target: float, needed: int) -> None:
    assert trials_needed(target) == needed
    assert can_carry(needed, target)
    assert not can_carry(needed - 1, target)
    assert upper_bound(0, needed) <= target
