"""From scores to error rates, in the terms of ISO/IEC 19795-1, each with what its number of trials allows to say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import expm1, inf, log1p, log10
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.evaluation.intervals import Interval, bootstrap, can_carry, clopper_pearson, draws, trials_needed, upper_bound
from models.evaluation.scores import Level, Measured, Scores, table

DET_POINTS = 200
OPERATING_FMR = (0.1, 0.01, 0.001, 0.0001)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandLimits:
    """The three bands: from `same` on it is the person, up to `different` another one, between them people decide.

    With fewer than `min_good_frames` usable frames nothing is decided. `same` holds for one comparison; where one face is compared with
    many it rises by `per_decade` for every tenfold, see `among`. Frames weaker than `min_strength` (see `Embedder.describe`) count as
    hidden; 0 hides none. The defaults are those of the window's agent and of its own embedder.
    """

    same: float = 0.65
    different: float = 0.35
    min_good_frames: int = 3
    # What one tenth of the FMR costs, measured on the window clips by `identification.tail`: 0.09 to 0.12 with fused probes, 0.13 at the
    # upper end of the bootstrap over persons. The upper end, because only ten pairs of persons stand behind it.
    per_decade: float = 0.13
    min_strength: float = 54.0

    def __post_init__(self) -> None:
        if not -1 <= self.different < self.same <= 1:
            raise ValueError(f"different ({self.different}) must lie below same ({self.same}), both from -1 to 1")
        if not 1 <= self.min_good_frames <= 100:
            raise ValueError(f"min_good_frames must be 1 to 100, not {self.min_good_frames}")
        if not 0 <= self.per_decade <= 2:
            raise ValueError(f"per_decade must be 0 to 2, not {self.per_decade}")
        if not 0 <= self.min_strength < inf:
            raise ValueError(f"min_strength must be 0 or more, not {self.min_strength}")

    @classmethod
    def written(cls, values: Mapping[str, Any]) -> Self:
        """The limits that a file holds. One from before strengths were measured hides no frame: their scale differs between networks.
        Raises TypeError or ValueError for values that are no limits.
        """
        return cls(**{"min_strength": 0.0, **values})

    def among(self, n: int) -> float:
        """The limit from which the best of `n` compared people is the person, so that its false positive rate is about that of one.

        FPIR(N) = 1 - (1 - FMR)^N (ISO/IEC 19795-1), nearly N times FMR where that is small: ten times the people ask for a tenth of the
        FMR. 1 means that nobody can be told among so many.
        """
        return min(1.0, self.same + self.per_decade * log10(max(1, n)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The rates that somebody wants to claim. They decide how many trials a statement needs, not what is measured.

    `accused` is the FNMR at `different`: a person called another one. `missed` is the FMR there: another one not called so.
    """

    fte: float = 0.05
    fta: float = 0.05
    fmr: float = 0.001
    fnmr: float = 0.01
    accused: float = 0.0001
    missed: float = 0.1
    apcer: float = 0.01
    bpcer: float = 0.03
    unjudged: float = 0.05

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"the target {name} must lie between 0 and 1, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One error rate. `exact` takes the trials for independent, `by_person` draws the persons anew (None: too few to draw).

    `independent` is False where many trials come from one recording. With `among` above 1 the trials are single comparisons, and `target`,
    `exact` and the statement speak of searches among so many people.
    """

    level: str
    name: str
    errors: int
    trials: int
    target: float
    exact: Interval
    by_person: Interval | None
    independent: bool
    among: int = 1

    @property
    def statement(self) -> str:
        """What may be said against the target: holds, does not hold, open, or why nothing may be said.

        It holds only when the exact one-sided bound allows it, and the bootstrap over persons as well where an error was seen.
        """
        if not self.stated:
            return f"cannot be stated from N={self.trials} (a claim of {self.target:g} needs {trials_needed(self._of_one)})"
        if not self.independent:
            return "not claimed: frames of one clip are not independent"
        by_person = self.by_person.high if self.by_person is not None else 0.0
        if max(by_person, one_of(self.among, upper_bound(self.errors, self.trials))) <= self.target:
            return f"at most {self.target:g} holds"
        return f"at most {self.target:g} does not hold" if self.exact.low > self.target else f"at most {self.target:g} is open"

    @property
    def stated(self) -> bool:
        """Whether so many trials can carry a rate as low as the target (rule of three)."""
        return can_carry(self.trials, self._of_one)

    @property
    def _of_one(self) -> float:
        """The target of one comparison."""
        return self.target if self.among == 1 else -expm1(log1p(-self.target) / self.among)


def one_of(size: int, rate: float) -> float:
    """FPIR of a search among `size` people, of whom each is taken for the person at `rate` and independently: 1 - (1 - rate)^size."""
    return 1.0 if rate >= 1 else -expm1(size * log1p(-rate))


def rates(measured: Measured, limits: BandLimits, targets: Targets) -> tuple[Rate, ...]:
    """Every rate of a run at the limits in force."""
    drawn = draws(measured.people) if measured.people else np.empty((0, 0))
    found = [
        trial_rate(
            "attempt",
            tried.name,
            tried.persons,
            tried.failed,
            targets.fte if tried.name == "FTE" else targets.fta,
            drawn,
            independent=tried.independent,
        )
        for tried in measured.attempts
    ]
    for level in measured.levels:
        found += comparison_rates(level, limits, targets, drawn)
    return tuple(found)


def comparison_rates(level: Level, limits: BandLimits, targets: Targets, drawn: Scores) -> Iterator[Rate]:
    """FMR and FNMR at both limits.

    At `same`: non-mated trials taken for the person, mated ones that are not. At `different`: mated trials called another person, non-mated
    ones that are not.
    """
    mated, scores = level.first == level.second, level.scores
    for name, kind, errors, target in (
        (f"FMR at same={limits.same:g}", ~mated, scores >= limits.same, targets.fmr),
        (f"FNMR at same={limits.same:g}", mated, scores < limits.same, targets.fnmr),
        (f"FNMR at different={limits.different:g}", mated, scores <= limits.different, targets.accused),
        (f"FMR at different={limits.different:g}", ~mated, scores > limits.different, targets.missed),
    ):
        yield _rate(level, name, kind, errors & kind, target, drawn)


def det(level: Level) -> tuple[Scores, Scores, Scores]:
    """The DET curve: thresholds from low to high with the FMR and the FNMR at each; empty without both kinds of trials."""
    mated, non_mated = np.sort(level.mated), np.sort(level.non_mated)
    if not len(mated) or not len(non_mated):
        return np.empty(0), np.empty(0), np.empty(0)
    steps = np.unique(level.scores)
    steps = np.append(steps[:: max(1, len(steps) // DET_POINTS)], np.nextafter(steps[-1], np.inf))
    fmr = 1 - np.searchsorted(non_mated, steps, side="left") / len(non_mated)
    fnmr = np.searchsorted(mated, steps, side="left") / len(mated)
    return steps, fmr, fnmr


def operating_points(level: Level) -> Iterator[tuple[float, float, int, int]]:
    """Where the FMR is at most each of OPERATING_FMR, as far as the non-mated trials carry it: that FMR, the threshold, and how many of how
    many mated trials it misses.
    """
    mated, non_mated = level.mated, np.sort(level.non_mated)[::-1]
    for target in OPERATING_FMR:
        if len(mated) and can_carry(len(non_mated), target):
            threshold = float(np.nextafter(non_mated[int(target * len(non_mated))], np.inf))
            yield target, threshold, int((mated < threshold).sum()), len(mated)


def proportion(level: str, name: str, errors: int, trials: int, target: float) -> Rate:
    """A rate of independent trials behind which no persons are known."""
    return Rate(
        level=level,
        name=name,
        errors=errors,
        trials=trials,
        target=target,
        exact=clopper_pearson(errors, trials),
        by_person=None,
        independent=True,
    )


def _rate(level: Level, name: str, kind: NDArray[np.bool_], errors: NDArray[np.bool_], target: float, drawn: Scores) -> Rate:
    wrong, all_of_kind = (table(level.first, level.second, chosen, level.persons) for chosen in (errors, kind))
    return Rate(
        level=level.name,
        name=name,
        errors=int(errors.sum()),
        trials=int(kind.sum()),
        target=target,
        exact=clopper_pearson(int(errors.sum()), int(kind.sum())),
        by_person=bootstrap(wrong, all_of_kind, drawn) if level.persons > 1 else None,
        independent=level.independent,
    )


def trial_rate(
    level: str,
    name: str,
    persons: NDArray[np.intp],
    failed: NDArray[np.bool_],
    target: float,
    drawn: Scores,
    *,
    independent: bool,
) -> Rate:
    """A rate of trials behind each of which stands one person, 0 to the number of columns of `drawn` - 1."""
    count = drawn.shape[1]
    wrong, total = (table(persons, persons, chosen, count) for chosen in (failed, np.ones(len(persons), np.bool_)))
    errors, trials = int(failed.sum()), len(persons)
    return Rate(
        level=level,
        name=name,
        errors=errors,
        trials=trials,
        target=target,
        exact=clopper_pearson(errors, trials),
        by_person=bootstrap(wrong, total, drawn) if count > 1 else None,
        independent=independent,
    )
