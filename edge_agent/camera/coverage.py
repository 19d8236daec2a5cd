"""How long each window was seen, and how long and why it was not: for settlements of the last minutes, and hour by hour for the centre,
with how many people were counted there.

Time in which nobody watched, as while the agent did not run, is in neither sum: an hour of less than 3,600 seconds says so itself.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from contract.events import CameraRole
from edge_agent.clock import Clock
from edge_agent.ports import Fault
from edge_agent.window.vacancy import Vacancy

STEP_S = 1.0  # longer pauses between two notes are time that nobody watched
HOUR = timedelta(hours=1)
AT_ONCE = 256  # hours of windows in one event
LEAST_S = 60.0  # parts of an hour that are shorter are not told: a program that ends again and again must not fill the chain


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """How many were counted; see `contract.events.Headcount`."""

    role: CameraRole
    entered: int
    stayed: int
    most_at_once: int

    def add(self, more: "People") -> "People":
        """Both together."""
        return People(
            role=more.role,
            entered=self.entered + more.entered,
            stayed=self.stayed + more.stayed,
            most_at_once=max(self.most_at_once, more.most_at_once),
        )


@dataclass(slots=True)
class Hour:
    """One window in one hour of the clock: seconds with a picture that tells something, and without one, by the code of the fault. `people`
    is None where nobody was to be counted.
    """

    window: str
    since: datetime
    seen_s: float = 0.0
    blind_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    people: People | None = None

    def count(self, seconds: float, fault: Fault | None, told_late_s: float) -> None:
        """Add a stretch of time. `told_late_s` of what counted as seen was not: a fault is known only some time after it began."""
        if fault is None:
            self.seen_s += seconds
            return
        late_s = min(told_late_s, self.seen_s)
        self.seen_s -= late_s
        self.blind_s[fault.code] += seconds + late_s

    @property
    def noted_s(self) -> float:
        """Seconds in which somebody watched."""
        return self.seen_s + sum(self.blind_s.values())


class Coverage:
    """The ledger of all windows. Safe to use from several threads."""

    def __init__(self, windows: Iterable[str], vacancy: Vacancy, clock: Clock) -> None:
        self._vacancy, self._clock = vacancy, clock
        self._hours = {window: Hour(window=window, since=_hour(clock.now())) for window in windows}
        self._noted_s: dict[str, float] = {}
        self._faulty: set[str] = set()
        self._over: list[Hour] = []
        self._lock = Lock()

    def note(self, window: str, faults: Sequence[Fault]) -> None:
        """Say how a window is now; to be called at least once a second. Of several faults the first counts."""
        now_s, fault = self._clock.mono_s(), next(iter(faults), None)
        if faults:
            self._vacancy.note_faults(window, faults, now_s)
        with self._lock:
            hour = self._current(window)
            before_s = self._noted_s.get(window, now_s)
            begins = window not in self._faulty
            seconds = now_s - before_s if now_s - before_s <= STEP_S else 0.0
            hour.count(seconds, fault, before_s - fault.since_s if begins and fault is not None else 0.0)
            self._noted_s[window] = now_s
            (self._faulty.discard if fault is None else self._faulty.add)(window)

    def count(self, window: str, people: People) -> None:
        """Add what a frame adds to the count of this hour."""
        with self._lock:
            hour = self._current(window)
            hour.people = people if hour.people is None else hour.people.add(people)

    def take(self) -> tuple[Hour, ...]:
        """The hours that are over, each once."""
        with self._lock:
            for window in self._hours:
                self._current(window)
            over, self._over = tuple(self._over), []
        return over

    def give_back(self, hours: Sequence[Hour]) -> None:
        """What was taken could not be written and is over still."""
        with self._lock:
            self._over[:0] = hours

    def close(self) -> tuple[Hour, ...]:
        """The hours that are over and what is known of the present one, which begins anew."""
        with self._lock:
            over, self._over = (*self._over, *(hour for hour in self._hours.values() if hour.noted_s)), []
            self._hours = {window: Hour(window=window, since=_hour(self._clock.now())) for window in self._hours}
        return over

    def _current(self, window: str) -> Hour:
        since = _hour(self._clock.now())
        hour = self._hours[window]
        if hour.since != since:
            if hour.noted_s:
                self._over.append(hour)
            hour = self._hours[window] = Hour(window=window, since=since)
        return hour


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


class CoverageBook:
    """Writes the ledger into the chain: a chore while the agent runs, and a last time when it stops."""

    def __init__(self, coverage: Coverage, write: Callable[[Sequence[Hour]], object]) -> None:
        """`write` is durable when it returns; what it raises is raised, and its hours are kept for the next time."""
        self._coverage, self._write = coverage, write

    def start(self) -> None:
        """Nothing runs by itself."""

    def turn(self) -> None:
        """Write what is over, if there is any. Raises VaultFull."""
        self._put(self._coverage.take())

    def stop(self) -> None:
        """Write everything that is known. Raises VaultFull."""
        self._put(self._coverage.close())

    def _put(self, given: tuple[Hour, ...]) -> None:
        hours = [hour for hour in given if hour.noted_s >= LEAST_S]
        for start in range(0, len(hours), AT_ONCE):
            try:
                self._write(hours[start : start + AT_ONCE])
            except Exception:
                self._coverage.give_back(hours[start:])
                raise
