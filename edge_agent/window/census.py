"""Count the people before each camera, hour by hour: from the places of their faces alone. No picture, no template, no name is kept.

What the numbers are and are not stands in `contract.events.Headcount`. They tell whether a room is used at all, and are evidence against
nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from contract.events import CameraRole
from edge_agent.camera.coverage import Coverage, People
from edge_agent.camera.frames import Shot, Sight
from edge_agent.sections.core import Limits
from edge_agent.window.track import MAX_GAP_S, nearest
from edge_agent.window.watch import Sessions
from models.results import Box, Picture

STAYED_S = 5.0  # who passes by is gone by then, who is served is not
LOOKED_AWAY_S = 3.0  # where people stand they look down, at the clerk, at their papers; at an entrance the next one is there by then
CUT_OFF = "cut_off"  # what never shows more than a part at the edge of the picture may be anything: of our clips one shows such a thing


@dataclass(slots=True, eq=False)
class _Passer:
    """One face on its way: where it was last, and since when; `frames` counts those that show it whole, with the sum of its scores."""

    box: Box
    first_s: float
    last_s: float
    frames: int = 0
    score_sum: float = 0.0
    entered: bool = False
    stayed: bool = False

    def see(self, shot: Shot, mono_s: float) -> None:
        self.box, self.last_s = shot.box, mono_s
        if CUT_OFF not in shot.problems:
            self.frames += 1
            self.score_sum += shot.score


class Headcounter:
    """One camera's count. Not safe to use from several threads."""

    def __init__(self, role: CameraRole, limits: Limits) -> None:
        self._role, self._limits = role, limits
        self._gap_s = MAX_GAP_S if role is CameraRole.ENTRANCE else LOOKED_AWAY_S
        self._passers: list[_Passer] = []

    def add(self, sight: Sight) -> People:
        """What the next frame adds to the count."""
        self._passers = [passer for passer in self._passers if sight.mono_s - passer.last_s <= self._gap_s]
        seen = self._follow(sight)
        persons = [passer for passer in seen if passer.entered or self._is_person(passer)]
        entered = [passer for passer in persons if not passer.entered]
        stayed = [passer for passer in persons if not passer.stayed and passer.last_s - passer.first_s >= STAYED_S]
        for passer in entered:
            passer.entered = True
        for passer in stayed:
            passer.stayed = True
        return People(role=self._role, entered=len(entered), stayed=len(stayed), most_at_once=len(persons))

    def _follow(self, sight: Sight) -> list[_Passer]:
        free, seen = list(self._passers), []
        for shot in sorted(sight.shots, key=lambda shot: -shot.score):
            passer = nearest(shot.box, free)
            if passer is None:
                passer = _Passer(box=shot.box, first_s=sight.mono_s, last_s=sight.mono_s)
                self._passers.append(passer)
            else:
                free.remove(passer)
            passer.see(shot, sight.mono_s)
            seen.append(passer)
        return seen

    def _is_person(self, passer: _Passer) -> bool:
        enough = passer.frames >= self._limits.min_track_frames
        return enough and passer.score_sum / passer.frames >= self._limits.min_face_score


class Counted:
    """Sessions beside which people are counted."""

    def __init__(self, sessions: Sessions, roles: Mapping[str, CameraRole], limits: Limits, coverage: Coverage) -> None:
        """`coverage` hears of every camera in `roles` what each frame adds."""
        self._sessions, self._coverage = sessions, coverage
        self._counters = {window: Headcounter(role, limits) for window, role in roles.items()}

    def observe(self, window: str, sight: Sight, picture: Picture) -> None:
        """The sessions see it first."""
        self._sessions.observe(window, sight, picture)
        self._coverage.count(window, self._counters[window].add(sight))

    def is_serving(self, window: str) -> bool:
        """As the sessions say."""
        return self._sessions.is_serving(window)
