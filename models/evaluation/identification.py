"""One of N: how often somebody who is not in a gallery is found there (FPIR), how often somebody who is there is not (FNIR), and what a
larger gallery costs. Terms of ISO/IEC 19795-1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from models.evaluation.intervals import Interval, bootstrap, clopper_pearson, draws
from models.evaluation.rates import BandLimits, Rate, Targets, one_of, trial_rate
from models.evaluation.scores import Level, Scores, Search

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # of galleries
PROMISED = (10, 100, 1000)
TAIL = 0.95  # share of the non-mated scores below the tail
LEAST_IN_TAIL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """How far a limit must rise for a tenth of the FMR. `high` is the upper end when persons are drawn anew; `scores` lie in the tail."""

    per_decade: float
    high: float
    scores: int


def tail(level: Level) -> Tail | None:
    """What one decade of the FMR costs above the 95 % point of the non-mated scores; None with fewer than LEAST_IN_TAIL beyond it.

    The excess over a high threshold is taken for exponential, the generalised Pareto distribution (Pickands 1975) with shape 0: then the
    limit rises by ln 10 times the mean excess. Cosines end at 1 and fall off faster, so this is rather too much than too little.
    """
    if not len(level.non_mated):
        return None
    point = float(np.quantile(level.non_mated, TAIL))
    beyond = (level.first != level.second) & (level.scores > point)
    if beyond.sum() < LEAST_IN_TAIL:
        return None
    excess, counts = np.zeros((2, level.persons, level.persons))
    pairs = (level.first[beyond], level.second[beyond])
    np.add.at(excess, pairs, level.scores[beyond] - point)
    np.add.at(counts, pairs, 1.0)
    mean = float(excess.sum() / counts.sum())
    drawn = bootstrap(excess, counts, draws(level.persons))
    return Tail(per_decade=mean * log(10), high=max(mean, drawn.high if drawn else 0.0) * log(10), scores=int(beyond.sum()))


def identification_rates(search: Search, limits: BandLimits, targets: Targets, drawn: Scores) -> Iterator[Rate]:
    """FPIR and FNIR at rank 1 for every size of gallery that the templates carry, at the limit of that size.

    Galleries are the templates of others, in their order, cut into as many of that size as there are; for the FNIR one of them is exchanged
    for a template of the person. The FPIR is held against the target of the FMR: the limit rises so that it stays there.
    """
    for size in SIZES:
        limit = limits.among(size)
        alarms = list(_unknown(search, size, limit))
        if not alarms:
            return
        for name, tried, target in (
            (f"FPIR of {size} at {limit:.3g}", alarms, targets.fmr),
            (f"FNIR of {size} at {limit:.3g}", list(_known(search, size, limit)), targets.fnmr),
        ):
            persons, failed = np.array([person for person, _ in tried], np.intp), np.array([wrong for _, wrong in tried], np.bool_)
            yield trial_rate(f"1:N {search.name}", name, persons, failed, target, drawn, independent=search.independent)


def promised_fpir(errors: int, trials: int, limits: BandLimits, size: int, level: str, target: float) -> Rate:
    """The FPIR among `size` people that follows from `errors` in `trials` comparisons of two persons at the limit of that size.

    It takes the comparisons of one search for independent, as the formula of `rates.one_of` does.
    """
    exact = clopper_pearson(errors, trials)
    return Rate(
        level=level,
        name=f"FPIR of {size} at {limits.among(size):.3g}",
        errors=errors,
        trials=trials,
        target=target,
        exact=Interval(low=one_of(size, exact.low), high=one_of(size, exact.high)),
        by_person=None,
        independent=True,
        among=size,
    )


def _unknown(search: Search, size: int, limit: float) -> Iterator[tuple[int, bool]]:
    """The person of every search for somebody who is not in the gallery, and whether somebody was found."""
    for person, _, others in _probes(search):
        yield from ((person, bool(best >= limit)) for best in _best(others, size))


def _known(search: Search, size: int, limit: float) -> Iterator[tuple[int, bool]]:
    """The person of every search for somebody who is in the gallery, and whether the best match is another one, or nobody."""
    for person, mates, others in _probes(search):
        rivals = _best(others, size - 1) if size > 1 else np.array([-np.inf])
        yield from ((person, bool(mate < limit or rival > mate)) for mate in mates for rival in rivals)


def _probes(search: Search) -> Iterator[tuple[int, Scores, Scores]]:
    """Person of each probe, its scores with templates of the same person and with those of others, never with that of its own recording."""
    for person, scores in zip(search.probes.tolist(), search.scores, strict=True):
        usable = np.isfinite(scores)
        own = search.templates == person
        yield person, scores[usable & own], scores[usable & ~own]


def _best(scores: Scores, size: int) -> NDArray[np.float64]:
    """The best score in each whole gallery of `size`."""
    whole = len(scores) // size * size
    best: NDArray[np.float64] = scores[:whole].reshape(-1, size).max(axis=1)
    return best
