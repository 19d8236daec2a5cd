"""Whether new settings proved themselves: everything that worked before them works with them. Decides, and changes nothing."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from contract.state import Problem
from edge_agent.chain.capture import Told
from edge_agent.clock import Clock

SETTLED_S = 10.0
"""All must have been well for so long without a break, so that what comes and goes does not pass in a lucky moment."""
PATIENCE = 2
"""Times the probation: a camera or a line that is slow to come back gets so long, and no longer."""


class Canary(Protocol):
    """A made picture that goes through the whole line."""

    @property
    def fault(self) -> str | None:
        """The step that failed at the last run; None when all went well."""
        ...

    @property
    def late_s(self) -> float:
        """Seconds since it last ran, or should have begun to."""
        ...

    def run(self) -> None:
        """Run it now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """How the running program says that it is: what its self-checks find, whether the broker holds its line, whether a receipt was heard
    since its start, which threads stand still, its canary, and whether nobody is being served.
    """

    problems: Callable[[], tuple[Problem, ...]]
    connected: Callable[[], bool]
    heard: Callable[[], bool]
    still: Callable[[], tuple[str, ...]]
    canary: Canary
    idle: Callable[[], bool]


class Probation:
    """One trial, from the start of the program on. Not safe to use from several threads."""

    def __init__(self, *, lasts_s: float, before: Collection[str], line: bool, clock: Clock) -> None:
        """`before` are the self-checks that had a problem with the old settings. Without `line` it was down then, and is not asked for."""
        self._lasts_s, self._before, self._line, self._clock = lasts_s, frozenset(before), line, clock
        self._begun_s = self._well_since_s = clock.mono_s()
        self._canary_ran = False

    def look(self, signs: Signs) -> Told | None:
        """What became of the trial, None while it goes on. To be asked about once a second."""
        now_s = self._clock.mono_s()
        passed_s = now_s - self._begun_s
        if fatal := self._broken(signs):
            return fatal
        lacking = self._lacking(signs, passed_s)
        if lacking is not None:
            self._well_since_s = now_s
            return lacking if passed_s >= PATIENCE * self._lasts_s else None
        if passed_s >= self._lasts_s and now_s - self._well_since_s >= min(SETTLED_S, self._lasts_s / 2):
            return Told(result="in_force")
        return None

    def _broken(self, signs: Signs) -> Told | None:
        """What no patience mends."""
        if still := signs.still():
            return _rolled_back("threads", f"no progress in: {', '.join(still)}")
        if signs.canary.fault is not None:
            return _rolled_back("canary", f"the test picture failed at {signs.canary.fault}")
        return None

    def _lacking(self, signs: Signs, passed_s: float) -> Told | None:
        """What is not well now."""
        for problem in signs.problems():
            if problem.check not in self._before:
                return _rolled_back("problem", f"{problem.check}: {problem.detail}")
        if self._line and not signs.heard():
            return _rolled_back("line", "no receipt of the centre was heard")
        if not self._canary_has_run(signs.canary, passed_s):
            return _rolled_back("canary", "the test picture has not run yet")
        return None

    def _canary_has_run(self, canary: Canary, passed_s: float) -> bool:
        """Where settlements leave it no moment to run by itself, it runs when the time is over."""
        if not self._canary_ran and passed_s >= self._lasts_s and canary.late_s > passed_s:
            canary.run()
        self._canary_ran = self._canary_ran or canary.late_s <= passed_s
        return self._canary_ran


def _rolled_back(why: str, detail: str) -> Told:
    return Told(result="rolled_back", why=why, detail=detail)
