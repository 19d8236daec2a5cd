"""Time as the agent sees it: wall time for people and the centre, monotonic time for everything that is measured."""

import time
from collections import deque
from datetime import UTC, datetime
from threading import Lock
from typing import Protocol

OFFSET_SAMPLES = 32
OFFSET_S = 60.0  # older samples are of a clock that may have been set since
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # a terminal without battery wakes in 1970: no event could be written with such a time


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """Wall time, UTC."""
        ...

    def mono_s(self) -> float:
        """Seconds since an arbitrary moment of this run; never goes back."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Wall time, UTC; EARLIEST while the machine does not know the time."""
        return max(datetime.now(UTC), EARLIEST)

    def mono_s(self) -> float:
        """Seconds since an arbitrary moment of this run."""
        return time.monotonic()


class Offset:
    """How far this clock is ahead of the centre's, from the signed times in its receipts.

    A receipt arrives after it was signed, so every sample is too large by its travel time: the smallest of the last ones is nearest.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[datetime, float]] = deque(maxlen=OFFSET_SAMPLES)
        self._lock = Lock()

    def add(self, *, ours: datetime, centre: datetime) -> None:
        """Note that a message signed at `centre` arrived at `ours`."""
        with self._lock:
            fresh = [sample for sample in self._samples if abs((ours - sample[0]).total_seconds()) <= OFFSET_S]
            self._samples.clear()
            self._samples.extend([*fresh, (ours, (ours - centre).total_seconds() * 1000)])

    @property
    def ms(self) -> float | None:
        """Milliseconds ahead; None before the first receipt of this run."""
        with self._lock:
            return min((ms for _, ms in self._samples), default=None)
