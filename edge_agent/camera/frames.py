"""What is left of a camera frame after it was looked at: faces and the state of the background, no whole picture."""

from collections import deque
from dataclasses import dataclass
from threading import Lock

from edge_agent.window.presence import Ground
from models.liveness import Crops
from models.liveness_track import LivenessShot
from models.results import Box, Picture, Quality


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Presented:
    """How a face is presented in one frame: `shot` without a score, and the `looks` (38 kB) that a liveness network would score."""

    shot: LivenessShot
    looks: Crops


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """One face in one frame. `box` is in pixels of the zone; `problems` says why it cannot be compared, empty when it can.

    `hints` are codes of what would make it better and bars nothing. `presented` is None where liveness is not evaluated.
    """

    box: Box
    score: float
    quality: Quality
    problems: tuple[str, ...]
    covered: bool
    chip: Picture
    portrait: Picture
    hints: tuple[str, ...] = ()
    presented: Presented | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sight:
    """One analysed frame of one window's zone, `width` x `height` pixels. `faces` counts the shots that are surely faces."""

    mono_s: float
    width: int
    height: int
    shots: tuple[Shot, ...]
    faces: int
    ground: Ground


class Ring:
    """The sights of the last `keep_s` seconds. Safe to use from several threads."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._sights: deque[Sight] = deque()
        self._lock = Lock()

    def add(self, sight: Sight) -> None:
        """Keep the newest sight and drop what is too old beside it."""
        with self._lock:
            self._sights.append(sight)
            while self._sights[0].mono_s < sight.mono_s - self._keep_s:
                self._sights.popleft()

    def since(self, mono_s: float) -> tuple[Sight, ...]:
        """The sights from that moment on, oldest first."""
        with self._lock:
            return tuple(sight for sight in self._sights if sight.mono_s >= mono_s)
