"""Watch a camera's whole view for whatever makes it tell nothing: dark, overexposed, covered, defocused, moved.

What each of them is stands in its file of `checks/`; here are the memory of the view and the sense of time. A camera that was moved stays
moved until it looks where it looked before, or the agent is started anew: only a person can say that the new view is the right one.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from edge_agent.camera.scene import Look, Scene, Seen, look, steady
from edge_agent.health.checks import covered, dark, defocused, moved, overexposed
from edge_agent.ports import Fault
from edge_agent.sections.view import ViewLimits
from models.results import Picture

CHECKS: dict[str, Callable[[Seen, ViewLimits], bool]] = {
    "dark": dark.holds,
    "overexposed": overexposed.holds,
    "covered": covered.holds,
    "defocused": defocused.holds,
    "moved": moved.holds,
}
"""Where several hold at once, the first is the cause of the others."""
LEARN_EVERY_S = 1.0
MEMORY_S = 600.0  # over which the view is a mean: the light of the day is followed, whoever waits for minutes is not learnt
LEARN_KEPT = 0.3  # share of edges in their place from which a view is learnt: not one that may have been turned a moment ago
SEARCH_EVERY_S = 0.5  # for displaced points, while the view is not surely in place
BEFORE_S = 1.5  # ago, with which a look is compared to say that what it sees stands still
LOST_S = 2.0  # without a look for so long what was seen before is no longer compared with


@dataclass(slots=True)
class _Alarm:
    """One check's time: when it began to hold and when it last did."""

    since_s: float = -inf
    last_s: float = -inf

    def note(self, now_s: float, clear_after_s: float) -> None:
        """It holds now."""
        if now_s - self.last_s > clear_after_s:
            self.since_s = now_s
        self.last_s = now_s

    def is_raised(self, now_s: float, limits: ViewLimits) -> bool:
        """Whether it held long enough, and did a moment ago."""
        return now_s - self.last_s <= limits.clear_after_s and self.last_s - self.since_s >= limits.blind_after_s


class View:
    """The view of one camera. `look` from one thread; `faults` from any."""

    def __init__(self, limits: ViewLimits) -> None:
        self._limits = limits
        self._scene: Scene | None = None
        self._learnt_s = 0.0
        self._learn_s = self._searched_s = -inf
        self._displaced = 0.0
        self._recent: deque[tuple[float, Look]] = deque()
        self._alarms = {code: _Alarm() for code in CHECKS}
        self._raised: tuple[Fault, ...] = ()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What makes the view tell nothing now."""
        return self._raised

    def look(self, picture: Picture, mono_s: float) -> None:
        """Take in a picture (height x width x 3, BGR), compare it, and learn from it if nothing is wrong with it."""
        seen = self._seen(look(picture), mono_s)
        cause = next((code for code, holds in CHECKS.items() if holds(seen, self._limits)), None)
        if cause is not None:
            self._alarms[cause].note(mono_s, self._limits.clear_after_s)
        self._raised = tuple(
            Fault(code=code, since_s=alarm.since_s) for code, alarm in self._alarms.items() if alarm.is_raised(mono_s, self._limits)
        )
        if cause is None and (seen.match is None or seen.match.kept >= LEARN_KEPT):
            self._learn(seen.look, mono_s)

    def _seen(self, now: Look, mono_s: float) -> Seen:
        if self._scene is not None and not self._scene.fits(now):
            self._scene = None
        learnt = self._scene if self._learnt_s >= self._limits.learn_s else None
        match = None if learnt is None else learnt.compare(now)
        if learnt is None or match is None or not moved.may_hold(match.kept):
            self._displaced = 0.0
        elif mono_s - self._searched_s >= SEARCH_EVERY_S:
            self._displaced, self._searched_s = learnt.displaced(now), mono_s
        return Seen(look=now, match=match, displaced=self._displaced, steady=self._steady(now, mono_s))

    def _steady(self, now: Look, mono_s: float) -> float:
        if self._recent and (mono_s - self._recent[-1][0] > LOST_S or self._recent[-1][1].across.shape != now.across.shape):
            self._recent.clear()
        self._recent.append((mono_s, now))
        while len(self._recent) > 1 and self._recent[1][0] <= mono_s - BEFORE_S:
            self._recent.popleft()
        before_s, before = self._recent[0]
        return steady(now, before) if mono_s - before_s >= BEFORE_S else 0.0

    def _learn(self, now: Look, mono_s: float) -> None:
        if mono_s - self._learn_s < LEARN_EVERY_S:
            return
        self._learn_s = mono_s
        if self._scene is None:
            self._scene, self._learnt_s = Scene(now), 0.0
            return
        self._learnt_s += LEARN_EVERY_S
        self._scene.learn(now, LEARN_EVERY_S / min(self._learnt_s + LEARN_EVERY_S, MEMORY_S))
