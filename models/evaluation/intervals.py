"""What a count of errors says about the rate behind it: exact intervals, a bootstrap over persons, and how many trials a claim needs."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, exp, lgamma, log, log1p

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
RULE_OF_THREE = 3.0  # no error in 3 / p trials: 95 % sure that the rate is below p
BISECTIONS = 60  # halvings of 0 to 1: finer than a float near 1
RESAMPLES = 1000
SEED = 19795


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Limits of a rate, 0 to 1."""

    low: float
    high: float


def clopper_pearson(errors: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """The exact two-sided interval for `errors` in `trials` independent trials; (0, 1) for no trial at all.

    Trials that share a person are not independent: for those it is too narrow. Raises ValueError for an impossible count.
    """
    if not 0 <= errors <= trials:
        raise ValueError(f"{errors} errors in {trials} trials cannot be")
    tail = (1 - confidence) / 2
    low = 0.0 if errors == 0 else _crossing(lambda rate: binomial_tail(errors, trials, rate) >= tail)
    high = 1.0 if errors == trials else _crossing(lambda rate: 1 - binomial_tail(errors + 1, trials, rate) <= tail)
    return Interval(low=low, high=high)


def upper_bound(errors: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The rate that is exceeded with probability 1 - `confidence` at most: the exact one-sided bound."""
    return clopper_pearson(errors, trials, 2 * confidence - 1).high


def binomial_tail(least: int, trials: int, rate: float) -> float:
    """Probability of `least` or more errors in `trials` at `rate`, exact to about 1e-12."""
    if least <= 0:
        return 1.0
    if rate <= 0 or least > trials:
        return 0.0
    if rate >= 1:
        return 1.0
    if least > trials * rate:
        return _sum_of_terms(least, trials, rate, upwards=True)
    return 1 - _sum_of_terms(least - 1, trials, rate, upwards=False)


def trials_needed(target: float) -> int:
    """How many trials a claim of `target` needs even when no error is seen."""
    return ceil(RULE_OF_THREE / target - 1e-9)


def can_carry(trials: int, target: float) -> bool:
    """True when so many trials may speak of a rate as low as `target`."""
    return trials >= trials_needed(target)


def draws(persons: int, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray[np.float64]:
    """How often each person is drawn, (resamples, persons): as many persons as there are, with replacement. Equal for equal arguments."""
    counts: NDArray[np.float64] = (
        np.random.default_rng(seed).multinomial(persons, np.full(persons, 1 / persons), resamples).astype(np.float64)
    )
    return counts


def bootstrap(
    errors: NDArray[np.float64], trials: NDArray[np.float64], drawn: NDArray[np.float64], confidence: float = CONFIDENCE
) -> Interval | None:
    """The percentile interval of the rate when persons are drawn anew.

    `errors` and `trials` (persons, persons) count between the first and the second person of each trial; within one person they stand on
    the diagonal and weigh once, between two they weigh by both. None when the drawn persons never have a trial. Where no error was seen it
    is (0, 0): then it says nothing.
    """
    total = _weighted(trials, drawn)
    held = total > 0
    if not held.any():
        return None
    rates = _weighted(errors, drawn)[held] / total[held]
    low, high = np.quantile(rates, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(low=float(low), high=float(high))


def _weighted(counts: NDArray[np.float64], drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    within = np.diag(counts)
    total: NDArray[np.float64] = drawn @ within
    between = counts - np.diag(within)
    return total + ((drawn @ between) * drawn).sum(axis=1) if between.any() else total


def _crossing(holds: Callable[[float], bool]) -> float:
    """The least rate at which `holds` becomes and stays true."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _sum_of_terms(start: int, trials: int, rate: float, *, upwards: bool) -> float:
    """Sum of binomial probabilities from `start` away from the peak; each follows from the one before, so nothing overflows."""
    term = exp(lgamma(trials + 1) - lgamma(start + 1) - lgamma(trials - start + 1) + start * log(rate) + (trials - start) * log1p(-rate))
    total, odds, count = 0.0, rate / (1 - rate), start
    while term > total * 1e-17:  # beyond the last count it is 0
        total += term
        term *= (trials - count) / (count + 1) * odds if upwards else count / (trials - count + 1) / odds
        count += 1 if upwards else -1
    return total
