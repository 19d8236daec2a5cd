"""How similarities vary from person to person and from moment to moment, fitted to a report of `python -m models evaluate --clips`.

A moment's unit vector is taken as c g + rest, where g is the direction of the face on that day and the rest of each moment is its own. The
mean of k such vectors has the length L(k) = sqrt(c^2 + (1 - c^2) / k), so with a template whose similarity to g is s, k fused moments give
(c s + noise / sqrt(k)) / L(k). s varies with the pair of persons and with the day; as a settlement is one pair on one day, the two act
together and need not be told apart. Fisher's z = artanh(s) is taken as normal: what lies beyond the scores seen rests on that shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.errors import BadLabels
from models.evaluation.collect import CLIP, FUSED, fused_level

Scores = NDArray[np.float64]
CANDIDATES = np.linspace(0.3, 0.999, 700)  # for c
NEARLY_ONE = 0.9999  # artanh has no value at 1
LEAST = 2  # scores or levels without which there is no spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Fisher's z of the similarity between two days, as if from `trials` independent trials."""

    mean: float
    sd: float
    trials: int

    def drawn(self, random: Generator) -> "Spread":
        """Another mean and deviation that the trials allow as well: the posterior of a normal under Jeffreys' prior (Gelman et al.,
        Bayesian Data Analysis, 3rd ed., section 3.2).
        """
        free = self.trials - 1
        sd = self.sd * float(np.sqrt(free / random.chisquare(free)))
        return replace(self, mean=float(random.normal(self.mean, sd / np.sqrt(self.trials))), sd=sd)

    def similarities(self, random: Generator, *size: int) -> Scores:
        """So many similarities, each of another pair and day."""
        return np.tanh(random.normal(self.mean, self.sd, size))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreModel:
    """`mated` is one person, `other` two. `agreement` is c above, the noises are deviations of one moment's similarity."""

    mated: Spread
    other: Spread
    agreement: float
    mated_noise: float
    other_noise: float

    def drawn(self, random: Generator) -> "ScoreModel":
        """The same with its spreads drawn anew. Agreement and noise rest on hundreds of moments and stay."""
        return replace(self, mated=self.mated.drawn(random), other=self.other.drawn(random))

    def moments(self, random: Generator, similarity: Scores, counts: NDArray[np.intp], noise: float) -> tuple[Scores, Scores]:
        """The fused similarity of `counts` moments of each face (N,) and the best one of a single moment; not a number where there is
        none.
        """
        most = int(counts.max(initial=1))
        there = np.arange(most) < counts[:, np.newaxis]
        singles = self.agreement * similarity[:, np.newaxis] + random.normal(0, noise, (len(counts), most))
        fused = np.where(there, singles, 0.0).sum(axis=1) / np.where(counts, counts, np.nan) / _length(self.agreement, counts)
        best = np.where(counts, np.where(there, singles, -1.0).max(axis=1), np.nan)
        return np.clip(fused, -1, 1), np.clip(best, -1, 1)


def fit(report: Mapping[str, Any]) -> ScoreModel:
    """The model of a report on clips. Persons, not comparisons, count as independent trials: the comparisons of one person resemble each
    other. Raises BadLabels for another report, a damaged one, or one with too few scores to show any spread.
    """
    if report.get("kind") != "clips":
        raise BadLabels(f"a report on {report.get('kind')} has no fused moments; make one with: python -m models evaluate --clips")
    try:
        people, levels = int(report["people"]), report["levels"]
        fused = {count: levels[fused_level(count)] for count in FUSED if fused_level(count) in levels}
        mated, other = ({count: _checked(level[kind]) for count, level in fused.items()} for kind in ("mated", "non_mated"))
        clip = {kind: _checked(levels[CLIP][kind]) for kind in ("mated", "non_mated")}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadLabels(f"this report is damaged ({error!r}); make another one with: python -m models evaluate --clips") from error
    agreement = _agreement(mated)
    return ScoreModel(
        mated=_spread(clip["mated"], people, "of one person"),
        other=_spread(clip["non_mated"], people, "of two persons"),
        agreement=agreement,
        mated_noise=_noise(mated, agreement),
        other_noise=_noise(other, agreement),
    )


def _checked(values: Any) -> Scores:
    scores = np.array(values, np.float64)
    if scores.ndim != 1 or not np.isfinite(scores).all() or (np.abs(scores) > 1 + 1e-3).any():
        raise ValueError("a score is not a number from -1 to 1")
    return scores


def _spread(scores: Scores, people: int, kind: str) -> Spread:
    trials = min(len(scores), people)
    if trials < LEAST:
        raise BadLabels(f"{len(scores)} comparisons of clips {kind} with {people} persons show no spread; measure more persons and clips")
    z = np.arctanh(np.clip(scores, -NEARLY_ONE, NEARLY_ONE))
    return Spread(mean=float(z.mean()), sd=float(z.std(ddof=1)), trials=trials)


def _agreement(levels: Mapping[int, Scores]) -> float:
    """The c under which the mean similarities of k fused moments best follow 1 / L(k)."""
    counts, means = _over_counts(levels, np.mean)
    gains = 1 / _length(CANDIDATES[:, np.newaxis], counts)
    heights = (gains @ means) / (gains**2).sum(axis=1)
    errors = ((means - heights[:, np.newaxis] * gains) ** 2).sum(axis=1)
    return float(CANDIDATES[errors.argmin()])


def _noise(levels: Mapping[int, Scores], agreement: float) -> float:
    """Deviation of one moment: var(k) L(k)^2 = constant + noise^2 / k, by least squares."""
    counts, variances = _over_counts(levels, np.var)
    slope = np.polyfit(1 / counts, variances * _length(agreement, counts) ** 2, 1)[0]
    return float(np.sqrt(max(0.0, slope)))


def _over_counts(levels: Mapping[int, Scores], statistic: Any) -> tuple[Scores, Scores]:
    seen = {count: scores for count, scores in levels.items() if len(scores) >= LEAST}
    if len(seen) < LEAST:
        raise BadLabels("the clips hold too few usable moments to fuse; record longer ones")
    return np.array(list(seen), np.float64), np.array([statistic(scores) for scores in seen.values()])


def _length(agreement: float | Scores, counts: Scores | NDArray[np.intp]) -> Scores:
    return np.asarray(np.sqrt(agreement**2 + (1 - agreement**2) / np.maximum(counts, 1)))
