"""Whether threads move on. Every loop of ours asks for the time in each turn, so a clock of its own tells when a thread stands still."""

from datetime import datetime
from threading import Lock

from edge_agent.clock import Clock


class Pulse:
    """The clock of one thread, which remembers when it was last asked. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_s = clock.mono_s()

    def now(self) -> datetime:
        """Wall time, UTC."""
        self._asked_s = self._clock.mono_s()
        return self._clock.now()

    def mono_s(self) -> float:
        """Seconds since an arbitrary moment of this run."""
        self._asked_s = self._clock.mono_s()
        return self._asked_s

    @property
    def silent_s(self) -> float:
        """Seconds since it was last asked."""
        return self._clock.mono_s() - self._asked_s


class Pulses:
    """The pulses of all threads that must move on, by their names."""

    def __init__(self, clock: Clock, still_s: float) -> None:
        """A thread that asked nothing for `still_s` seconds stands still."""
        self._clock, self._still_s = clock, still_s
        self._pulses: dict[str, Pulse] = {}
        self._lock = Lock()

    def clock(self, thread: str) -> Pulse:
        """The clock for the thread of this name."""
        with self._lock:
            return self._pulses.setdefault(thread, Pulse(self._clock))

    def still(self) -> tuple[str, ...]:
        """The threads that stand still now."""
        with self._lock:
            return tuple(sorted(name for name, pulse in self._pulses.items() if pulse.silent_s > self._still_s))
