"""A pause in comparing after repeated failures: templates can be climbed to from many yes-or-no answers, but hardly from a few an hour.

Only comparisons that did not pass count; a camera without picture or a person without a template teaches nobody anything. Settlements go
on all the same: the till is told to check by hand, and the capture is judged as ever and says that the pause was on.
"""

from collections import deque
from threading import Lock

from edge_agent.clock import Clock
from edge_agent.sections_machine import Cooldown as Limits
from edge_agent.session import Start

Key = tuple[str, str]


class Cooldown:
    """Counts failures by insured person and by window, in memory only. Safe to use from several threads."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._failures: dict[Key, deque[float]] = {}
        self._until_s: dict[Key, float] = {}
        self._lock = Lock()

    def pauses(self, start: Start) -> bool:
        """Whether no comparison is offered for this request now."""
        now_s = self._clock.mono_s()
        with self._lock:
            self._forget(now_s)
            return any(key in self._until_s for key in _keys(start))

    def note(self, start: Start, *, passed: bool) -> bool:
        """Count a comparison whose result the till is about to learn; True when it begins a pause.

        One that passed clears the person's failures, not the window's: others' successes must not cover an attacker.
        """
        now_s = self._clock.mono_s()
        person, window = _keys(start)
        with self._lock:
            self._forget(now_s)
            if passed:
                self._failures.pop(person, None)
                return False
            return any([self._failed(key, now_s) for key in (person, window)])

    def paused_windows(self) -> tuple[str, ...]:
        """Windows with a pause of their own now, for a self-check; persons are never named."""
        with self._lock:
            self._forget(self._clock.mono_s())
            return tuple(sorted(name for kind, name in self._until_s if kind == "window"))

    def paused_persons(self) -> int:
        """For how many insured persons there is a pause now."""
        with self._lock:
            self._forget(self._clock.mono_s())
            return sum(kind == "person" for kind, _ in self._until_s)

    def _failed(self, key: Key, now_s: float) -> bool:
        failures = self._failures.setdefault(key, deque())
        failures.append(now_s)
        if len(failures) < self._limits.failures:
            return False
        del self._failures[key]
        self._until_s[key] = now_s + self._limits.pause_s
        return True

    def _forget(self, now_s: float) -> None:
        edge_s = now_s - self._limits.within_s
        for key, failures in list(self._failures.items()):
            while failures and failures[0] < edge_s:
                failures.popleft()
            if not failures:
                del self._failures[key]
        self._until_s = {key: until_s for key, until_s in self._until_s.items() if until_s > now_s}


def _keys(start: Start) -> tuple[Key, Key]:
    return ("person", start.psn_no), ("window", start.window)
