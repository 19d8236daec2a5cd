"""The last minutes of every window, in memory: pictures of the zone, coded and small, each with the faces that were found in it.

Bounded in seconds and in bytes. Nothing here reaches the disk; `spool` keeps what belongs to settlements.
"""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

import cv2

from edge_agent.camera.frames import Sight
from edge_agent.clock import Clock
from edge_agent.sections.film import FilmSettings
from edge_agent.window.eyes import shrink
from models.results import Box, Picture

COUNT_S = 2.0  # a roll-call counts the faces of so many seconds: at an idle window they are searched for once a second

FaceBox = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Still:
    """One coded picture (JPEG) with the faces found in it."""

    at: datetime
    jpeg: bytes
    faces: tuple[FaceBox, ...]


class _Reel:
    """One window's pictures, oldest first."""

    def __init__(self) -> None:
        self.stills: deque[Still] = deque()
        self.counts: deque[tuple[float, int]] = deque()
        self.size = 0
        self.due_s = 0.0
        self.shape = (1, 1)
        self.served = False

    def add(self, still: Still, since: datetime, most_bytes: int) -> None:
        self.stills.append(still)
        self.size += len(still.jpeg)
        while self.stills and (self.stills[0].at < since or self.size > most_bytes):
            self.size -= len(self.stills.popleft().jpeg)


class Film:
    """The film of all windows. Safe to use from several threads."""

    def __init__(
        self, windows: Iterable[str], settings: FilmSettings, clock: Clock, *, keeps: bool, unsettling: Collection[str] = ()
    ) -> None:
        """`keeps` is False where no picture may ever leave: then faces are counted and no picture is held. Of windows in `unsettling`,
        where there are no settlements, no more is held than a roll-call needs.
        """
        self._settings, self._clock, self._keeps = settings, clock, keeps
        self._held_s = {window: COUNT_S for window in unsettling}
        self._zero = clock.now() - timedelta(seconds=clock.mono_s())
        self._reels = {window: _Reel() for window in windows}
        self._lock = Lock()

    def at(self, mono_s: float) -> datetime:
        """Wall time of a moment of this run. A clock that is set meanwhile does not tear a film apart."""
        return self._zero + timedelta(seconds=mono_s)

    def note(self, window: str, sight: Sight, picture: Picture, *, served: bool) -> None:
        """Take in an analysed picture of the zone; `served` says whether a settlement is open there.

        Codes it when one is due, in the thread that asks, outside every lock.
        """
        with self._lock:
            reel = self._reels[window]
            reel.served = served
            reel.shape = (sight.width, sight.height)
            reel.counts.append((sight.mono_s, sight.faces))
            while reel.counts[0][0] < sight.mono_s - COUNT_S:
                reel.counts.popleft()
            if not self._keeps or sight.mono_s < reel.due_s:
                return
            reel.due_s = max(reel.due_s, sight.mono_s - 1 / self._settings.fps) + 1 / self._settings.fps
        faces = tuple(_shares(shot.box, sight.width, sight.height) for shot in sight.shots)
        small = shrink(picture, self._settings.long_side)
        still = Still(at=self.at(sight.mono_s), jpeg=jpeg(small, self._settings.jpeg_quality), faces=faces)
        with self._lock:
            held_s = self._held_s.get(window, self._settings.ring_s)
            reel.add(still, still.at - timedelta(seconds=held_s), self._settings.ring_mb * 2**20)

    def between(self, window: str, since: datetime, until: datetime) -> list[Still]:
        """The pictures of a time, oldest first, as far as they are still held."""
        with self._lock:
            return [still for still in self._reels[window].stills if since <= still.at <= until]

    def newest(self, window: str) -> Still | None:
        """The last picture, if it is of the last seconds."""
        with self._lock:
            stills = self._reels[window].stills
            return stills[-1] if stills and stills[-1].at >= self.at(self._clock.mono_s() - COUNT_S) else None

    def persons(self, window: str) -> int | None:
        """How many faces were seen at one time within the last seconds, at most; None when nothing was seen at all."""
        since_s = self._clock.mono_s() - COUNT_S
        with self._lock:
            return max((faces for mono_s, faces in self._reels[window].counts if mono_s >= since_s), default=None)

    def shares(self, window: str, box: Box) -> FaceBox:
        """A box in pixels of the zone as shares of it."""
        with self._lock:
            return _shares(box, *self._reels[window].shape)

    def is_served(self, window: str) -> bool:
        """Whether a settlement was open at this window when it was last looked at."""
        with self._lock:
            return self._reels[window].served

    @property
    def keeps(self) -> bool:
        """Whether pictures are held at all."""
        return self._keeps

    @property
    def windows(self) -> tuple[str, ...]:
        """The windows that are filmed."""
        return tuple(self._reels)


def jpeg(picture: Picture, quality: int) -> bytes:
    """Code a picture. Raises ValueError for one that cannot be coded."""
    done, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be written as JPEG")
    return coded.tobytes()


def _shares(box: Box, width: int, height: int) -> FaceBox:
    return box.x0 / width, box.y0 / height, box.x1 / width, box.y1 / height
