"""Whether anybody was at the windows of this device lately: times only, no pictures and no faces.

What a settlement's own frames say is for its session; this looks further back and further on, and at the other windows too.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from threading import Lock

from edge_agent.camera.frames import Sight
from edge_agent.decide import Emptiness
from edge_agent.ports import Fault

FAULTS_KEPT_S = 3600.0  # longer than any settlement lasts


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is known of a span of time around a settlement: at its `own` window, and at all `others` together. `faults` are the codes of
    what kept its own window from being seen during the settlement itself.
    """

    own: Emptiness
    others: Emptiness
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class _Window:
    """Monotonic seconds: the last frame, the last moment with somebody there, the last moment of which nothing is known; and by the code of
    a fault the spans (first, last) in which there was one.
    """

    last_s: float = -inf
    occupied_s: float = -inf
    unknown_s: float = inf
    faults: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))


class Vacancy:
    """Remembers of each window when it was last not empty. Safe to use from several threads."""

    def __init__(self, windows: Iterable[str], *, empty_share: float, gap_s: float, untold: Collection[str] = ()) -> None:
        """A hole of more than `gap_s` between frames is a time of which nothing is known; so is all time before the first frame. Of windows
        in `untold` it is never known whether somebody was there, neither for their own settlements nor for those of others.
        """
        self._windows = {window: _Window() for window in windows}
        self._untold = frozenset(untold)
        self._empty_share, self._gap_s = empty_share, gap_s
        self._lock = Lock()

    def note(self, window: str, sight: Sight) -> None:
        """Take in the next analysed frame of a window."""
        with self._lock:
            seen = self._windows[window]
            if not sight.ground.learnt or sight.mono_s - seen.last_s > self._gap_s:
                seen.unknown_s = sight.mono_s
            if sight.faces or (sight.ground.learnt and sight.ground.foreground > self._empty_share):
                seen.occupied_s = sight.mono_s
            seen.last_s = sight.mono_s

    def note_faults(self, window: str, faults: Sequence[Fault], now_s: float) -> None:
        """Take in why a window cannot be seen now, and since when."""
        with self._lock:
            seen = self._windows[window]
            seen.unknown_s = now_s
            for fault in faults:
                spans = seen.faults[fault.code]
                if spans and fault.since_s - spans[-1][1] <= self._gap_s:
                    spans[-1] = (spans[-1][0], now_s)
                else:
                    spans[:] = [span for span in spans if span[1] >= now_s - FAULTS_KEPT_S] + [(fault.since_s, now_s)]

    def around(self, window: str, since_s: float, now_s: float, *, own: tuple[float, float]) -> Around:
        """What is known of the time from `since_s` to now, and of faults in the settlement's `own` span. Where somebody was seen, it does
        not matter what was not.
        """
        with self._lock:
            faults = tuple(code for code, spans in self._windows[window].faults.items() if any(_meet(span, own) for span in spans))
            found = {name: self._emptiness(seen, since_s, now_s) for name, seen in self._windows.items() if name not in self._untold}
        found_own = found.pop(window, Emptiness.UNKNOWN)
        others = next((one for one in (Emptiness.OCCUPIED, Emptiness.UNKNOWN) if one in found.values()), Emptiness.EMPTY)
        return Around(own=found_own, others=others, faults=faults)

    def _emptiness(self, seen: _Window, since_s: float, now_s: float) -> Emptiness:
        if seen.occupied_s >= since_s:
            return Emptiness.OCCUPIED
        if seen.unknown_s > since_s or now_s - seen.last_s > self._gap_s:
            return Emptiness.UNKNOWN
        return Emptiness.EMPTY


def _meet(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
