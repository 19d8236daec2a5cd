"""What was measured before anything is concluded: comparison scores and attempts, each with the persons behind it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.errors import BadLabels

Scores = NDArray[np.float64]
Comparison = tuple[str, str, float]  # person of the first and of the second sample, similarity


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """All comparison trials of one kind, for example clip against clip.

    `first` and `second` are indices of persons, 0 to `persons` - 1; a trial is mated when they are equal. `independent` is False where many
    trials come from the same recording: then nothing may be claimed from their number.
    """

    name: str
    persons: int
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    scores: Scores
    independent: bool

    @property
    def mated(self) -> Scores:
        """Scores of trials within one person."""
        return np.asarray(self.scores[self.first == self.second])

    @property
    def non_mated(self) -> Scores:
        """Scores of trials between two persons."""
        return np.asarray(self.scores[self.first != self.second])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """Probes against templates: their persons, and `scores` (probes, templates), NaN where both come from one recording."""

    name: str
    probes: NDArray[np.intp]
    templates: NDArray[np.intp]
    scores: Scores
    independent: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attempts:
    """Enrolments or captures that were tried: the person and whether it failed, one each. `independent` as for `Level`."""

    name: str
    independent: bool
    persons: NDArray[np.intp]
    failed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """Everything that one run saw. `people` is the number of persons, `counts` are further facts for the reader, `strengths` (see
    `Embedder.describe`) are those of all usable frames of clips.
    """

    people: int
    levels: tuple[Level, ...]
    attempts: tuple[Attempts, ...]
    counts: Mapping[str, int]
    searches: tuple[Search, ...] = ()
    strengths: Scores = field(default_factory=lambda: np.empty(0))

    def level(self, name: str) -> Level:
        """The level of that name. Raises KeyError."""
        return {level.name: level for level in self.levels}[name]


def level(name: str, people: Mapping[str, int], comparisons: Iterable[Comparison], *, independent: bool) -> Level:
    """A level from single comparisons; `people` numbers the persons. Raises BadLabels for a score that is not finite."""
    rows = list(comparisons)
    scores = np.array([score for _, _, score in rows], np.float64)
    if not np.isfinite(scores).all():
        raise BadLabels(
            f"{int((~np.isfinite(scores)).sum())} of {len(scores)} scores at the level {name} are not finite; nothing is measured"
        )
    return Level(
        name=name,
        persons=len(people),
        first=np.array([people[person] for person, _, _ in rows], np.intp),
        second=np.array([people[person] for _, person, _ in rows], np.intp),
        scores=scores,
        independent=independent,
    )


def attempts(name: str, people: Mapping[str, int], tried: Iterable[tuple[str, bool]], *, independent: bool) -> Attempts:
    """Attempts from (person, failed)."""
    rows = list(tried)
    return Attempts(
        name=name,
        independent=independent,
        persons=np.array([people[person] for person, _ in rows], np.intp),
        failed=np.array([failed for _, failed in rows], np.bool_),
    )


def numbered(persons: Iterable[str]) -> dict[str, int]:
    """Every person once, numbered in order of appearance."""
    return {person: number for number, person in enumerate(dict.fromkeys(persons))}


def table(first: NDArray[np.intp], second: NDArray[np.intp], chosen: NDArray[np.bool_], persons: int) -> Scores:
    """How many chosen trials there are between each two persons, (persons, persons)."""
    counts = np.zeros((persons, persons))
    np.add.at(counts, (first[chosen], second[chosen]), 1.0)
    return counts
