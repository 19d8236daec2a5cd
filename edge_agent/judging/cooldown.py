"""A pause in comparing after repeated failures: templates can be climbed to from many yes-or-no answers, but hardly from a few an hour.

Only comparisons that did not pass count; a camera without picture or a person without a template teaches nobody anything. Settlements go
on all the same: the till is told to check by hand, and the capture is judged as ever and says that the pause was on.
"""

from collections import Counter, deque
from math import inf
from threading import Lock

from edge_agent.clock import Clock
from edge_agent.sections.machine import Cooldown as Limits
from edge_agent.session import Start

DOUBLED_AT_MOST = 20
DAY_S = 86_400.0
Key = tuple[str, str]


class Cooldown:
    """Counts failures by insured person and by window, in memory only. Safe to use from several threads."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._failures: dict[Key, deque[float]] = {}
        self._until_s: dict[Key, float] = {}
        self._counted_from_s: dict[Key, float] = {}
        self._pauses: Counter[Key] = Counter()
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
                self._drop(person)
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
        since_s = max(now_s - self._limits.within_s, self._counted_from_s.get(key, -inf))
        pause_s = 0.0
        if sum(at_s > since_s for at_s in failures) >= self._limits.failures:
            doubled = min(self._pauses[key], DOUBLED_AT_MOST) if key[0] == "person" else 0
            pause_s = min(self._limits.pause_s * 2**doubled, self._limits.pause_max_s)
        if key[0] == "person" and len(failures) >= self._limits.failures_a_day:
            pause_s = self._limits.pause_max_s
        if pause_s:
            self._until_s[key], self._counted_from_s[key] = now_s + pause_s, now_s
            self._pauses[key] += 1
        return pause_s > 0

    def _forget(self, now_s: float) -> None:
        for key, failures in list(self._failures.items()):
            while failures and failures[0] <= now_s - DAY_S:
                failures.popleft()
            if not failures:
                self._drop(key)
        self._until_s = {key: until_s for key, until_s in self._until_s.items() if until_s > now_s}

    def _drop(self, key: Key) -> None:
        for known in (self._failures, self._counted_from_s, self._pauses):
            known.pop(key, None)


def _keys(start: Start) -> tuple[Key, Key]:
    return ("person", start.psn_no), ("window", start.window)
