"""Decide drawn settlements with the real decision, at every limit from which somebody is called another person."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from contract.events import Outcome
from edge_agent.decide import Evidence, decide
from edge_agent.sections.core import Limits
from models.errors import BadLabels
from scripts.benchmarks.score_model import ScoreModel, Scores
from scripts.benchmarks.settlements import KINDS, Cast, Kind, Population

STEP = 100  # limits are hundredths
LOWEST = 25
IMPOSTORS = 0.2  # as many as genuine settlements; their rates are large, so fewer do
TOLD_EVERY = 10
FLAGGED = (Outcome.DIFFERENT, Outcome.ATTACK)
PASSED = (Outcome.SAME, Outcome.PROXY)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """Of one kind under every score model: the share flagged at each limit of the ladder (models, limits) and the share passed (models,).
    The rest is held for people. `drawn` settlements were decided altogether.
    """

    flagged: Scores
    passed: Scores
    drawn: int


class Ladder:
    """Limits that differ only in `different`, from LOWEST hundredths up to just below `same`."""

    def __init__(self, limits: Limits) -> None:
        top = int(np.ceil(limits.same * STEP - 1e-9))
        self.steps = tuple(range(LOWEST, top))
        if round(limits.different * STEP) not in self.steps:
            raise BadLabels(
                f"the limit different={limits.different:g} of this report lies outside {LOWEST / STEP:g} to same={limits.same:g}"
            )
        self._limits = [limits.model_copy(update={"different": step / STEP}) for step in self.steps]

    def at(self, different: float) -> int:
        """The rung of that limit. Raises ValueError where there is none."""
        return self.steps.index(round(different * STEP))

    def outcome(self, seen: Evidence) -> tuple[int, bool]:
        """The first rung at which the evidence is flagged (their number where it never is), and whether it passes.

        A higher limit flags whatever a lower one does, so halving finds the rung; what is flagged at a higher one is held below.
        """
        highest = decide(seen, self._limits[-1]).outcome
        if highest not in FLAGGED:
            return len(self._limits), highest in PASSED
        low, high = 0, len(self._limits) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if decide(seen, self._limits[middle]).outcome in FLAGGED else (middle + 1, high)
        return high, False


class Simulation:
    """Decides drawn settlements of every kind, once with every score model. Equal arguments give equal outcomes."""

    def __init__(self, models: Sequence[ScoreModel], ladder: Ladder, *, settlements: int, least: int, seed: int) -> None:
        """Every kind gets its share of `settlements` genuine ones, or of a fifth as many impostors, and `least` at least."""
        self._models, self._ladder = models, ladder
        self._settlements, self._least, self._seed = settlements, least, seed

    def play(self, population: Population, progress: Progress = lambda _: None) -> dict[str, Outcomes]:
        """The outcomes of every kind by its name."""
        found: dict[str, list[Outcomes]] = {kind.name: [] for kind in KINDS}
        for number, model in enumerate(self._models):
            for place, kind in enumerate(KINDS):
                random = np.random.default_rng([self._seed, number, place + 1])  # a 0 at the end changes no seed
                found[kind.name].append(self._once(kind, Cast(model, population, random, self._count(kind, population))))
            if (number + 1) % TOLD_EVERY == 0:
                progress(f"draw {number + 1} of {len(self._models)}")
        return {name: _joined(parts) for name, parts in found.items()}

    def _once(self, kind: Kind, cast: Cast) -> Outcomes:
        outcomes = [self._ladder.outcome(seen) for seen in kind.play(cast)]
        first = np.array([[rung] for rung, _ in outcomes])
        return Outcomes(
            flagged=(first <= np.arange(len(self._ladder.steps))).mean(axis=0, keepdims=True),
            passed=np.array([np.mean([passed for _, passed in outcomes])]),
            drawn=len(outcomes),
        )

    def _count(self, kind: Kind, population: Population) -> int:
        of = self._settlements if kind.genuine else self._settlements * IMPOSTORS
        return max(self._least, round(of * kind.share(population)))


def _joined(parts: Sequence[Outcomes]) -> Outcomes:
    return Outcomes(
        flagged=np.concatenate([part.flagged for part in parts]),
        passed=np.concatenate([part.passed for part in parts]),
        drawn=sum(part.drawn for part in parts),
    )
