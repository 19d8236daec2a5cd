"""Whether anybody stands at the window although no face is seen: the picture is compared with the empty window.

An empty window is said only on knowledge: a background that was learnt, and a zone that stayed like it.
"""

from dataclasses import dataclass

import cv2

from models.results import Picture

WIDTH, HEIGHT = 160, 120
SHADOW_FREE = 255  # MOG2 marks shadows with 127
HISTORY = 300
VARIANCE = 25.0  # squared distance in units of each pixel's own noise
LEARN_EMPTY = 1 / 200  # a frame at 6 a second: half a minute to follow the light of the day
LEARN_OCCUPIED = 1 / 20_000  # nearly an hour: whoever waits patiently must not become background


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """How the zone compares with the empty window. `foreground` is the share that differs, 0 to 1; meaningless until `learnt`."""

    learnt: bool
    foreground: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """A small picture of the zone and how it compares; it still has to be learnt from."""

    small: Picture
    ground: Ground


class Background:
    """Learns one window when it is quiet: first `compare`, then `learn` each picture. Not safe to use from several threads.

    Learnt after `quiet_s` seconds in one piece without a face and with at most `empty_share` of the zone changing.
    """

    def __init__(self, *, quiet_s: float, empty_share: float) -> None:
        self._model = cv2.createBackgroundSubtractorMOG2(history=HISTORY, varThreshold=VARIANCE, detectShadows=True)
        self._quiet_s = quiet_s
        self._empty_share = empty_share
        self._quiet_since_s: float | None = None
        self._learnt = False
        self._started = False

    def compare(self, zone: Picture) -> Compared:
        """Compare a picture of the zone with what was learnt so far; learns nothing."""
        small = cv2.resize(zone, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        foreground = self._foreground(small) if self._started else 1.0
        return Compared(small=small, ground=Ground(learnt=self._learnt, foreground=foreground))

    def learn(self, compared: Compared, mono_s: float, *, face: bool) -> Ground:
        """Learn from that picture: quickly when quiet, hardly when somebody is there. How it compared, and whether it is learnt now."""
        foreground = compared.ground.foreground
        quiet = not face and foreground <= self._empty_share
        self._model.apply(compared.small, None, self._rate(quiet))
        self._started = True
        self._count_quiet(quiet, mono_s)
        return Ground(learnt=self._learnt, foreground=foreground)

    def _foreground(self, small: Picture) -> float:
        mask = self._model.apply(small, None, 0.0)
        return float((mask == SHADOW_FREE).mean())

    def _rate(self, quiet: bool) -> float:
        if not self._started:
            return 1.0
        return LEARN_EMPTY if quiet or not self._learnt else LEARN_OCCUPIED

    def _count_quiet(self, quiet: bool, mono_s: float) -> None:
        if not quiet:
            self._quiet_since_s = None
        elif self._quiet_since_s is None:
            self._quiet_since_s = mono_s
        elif mono_s - self._quiet_since_s >= self._quiet_s:
            self._learnt = True
