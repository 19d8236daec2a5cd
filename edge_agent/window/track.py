"""Follow faces from frame to frame, keep the best shots of each, and say who is at the window. Pure: no clock, no network."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import hypot, sqrt
from typing import Protocol, TypeVar

from edge_agent.camera.frames import Shot, Sight
from models.liveness_track import LivenessShot
from models.results import Box

MAX_GAP_S = 1.0  # a face missing for longer is followed as a new one: somebody else may have stepped in
MIN_IOU = 0.1
MAX_SHIFT = 0.8  # of the box's width between two frames
MAX_GROWTH = 2.0
MAX_TRACKS = 64
MAX_SHOTS = 16  # a shot costs 5 ms to embed and 0.3 MB to hold; more adds nothing to the fused vector
FIRST_SLOT_S = 0.3
MAX_SIGNS = 300  # moments of a face kept for liveness, 200 bytes each: 50 seconds at 6 a second
EDGE_WEIGHT = 0.5  # say of a face in a corner of the zone, against 1 in its middle
BETTER_NEARBY = "better_one_nearby"


class Followed(Protocol):
    """Whatever was somewhere last."""

    @property
    def box(self) -> Box:
        """Where."""
        ...


_Followed = TypeVar("_Followed", bound=Followed)


@dataclass(slots=True)
class BestShots:
    """The best usable shot of every stretch of time, so that no single moment (a hand before the face) speaks for all.

    When there are more than MAX_SHOTS, the stretches double. `lost` counts why other shots are not among them.
    """

    slot_s: float = FIRST_SLOT_S
    lost: Counter[str] = field(default_factory=Counter)
    _by_slot: dict[int, tuple[float, Shot]] = field(default_factory=dict)

    def add(self, mono_s: float, shot: Shot) -> None:
        """Keep the shot if it is usable and the best of its time."""
        if shot.problems:
            self.lost.update(shot.problems)
            return
        self._put(mono_s, shot)
        while len(self._by_slot) > MAX_SHOTS:
            self._widen()

    def shots(self) -> tuple[Shot, ...]:
        """What is kept, oldest first."""
        return tuple(shot for _, (_, shot) in sorted(self._by_slot.items()))

    def moments(self) -> tuple[tuple[float, Shot], ...]:
        """The same with their times."""
        return tuple(pair for _, pair in sorted(self._by_slot.items(), key=lambda item: item[0]))

    def _put(self, mono_s: float, shot: Shot) -> None:
        slot = int(mono_s // self.slot_s)
        held = self._by_slot.get(slot)
        if held is None or _rank(shot) > _rank(held[1]):
            self._by_slot[slot] = (mono_s, shot)
        if held is not None:
            self.lost[BETTER_NEARBY] += 1

    def _widen(self) -> None:
        self.slot_s *= 2
        held = sorted(self._by_slot.values(), key=lambda pair: pair[0])
        self._by_slot.clear()
        for mono_s, shot in held:
            self._put(mono_s, shot)


def _rank(shot: Shot) -> tuple[bool, float]:
    return not shot.covered, shot.quality.weight


@dataclass(slots=True, eq=False)
class Track:
    """One face followed over time. `frames` counts all its frames, `frames_inside` those since the session opened.

    `signs` are the newest moments by which liveness is judged, oldest first, none where it is not evaluated. A picture that follows itself
    is one moment: a camera that hangs gives no evidence, neither of life nor of an attack.
    """

    key: int
    last: Shot
    last_s: float
    first_s: float
    frames: int = 0
    frames_inside: int = 0
    best: BestShots = field(default_factory=BestShots)
    signs: deque[LivenessShot] = field(default_factory=lambda: deque(maxlen=MAX_SIGNS))
    _score_sum: float = 0.0
    _place_sum: float = 0.0
    _width_sum: float = 0.0

    def add(self, shot: Shot, sight: Sight, *, inside: bool) -> None:
        """The face was seen again."""
        self.last, self.last_s = shot, sight.mono_s
        self.frames += 1
        self.frames_inside += inside
        self._score_sum += shot.score
        self._place_sum += _place(shot, sight)
        self._width_sum += shot.box.width
        self.best.add(sight.mono_s, shot)
        if shot.presented is not None:
            self._note(shot.presented.shot)

    def _note(self, sign: LivenessShot) -> None:
        if not self.signs or self.signs[-1].digest != sign.digest:
            self.signs.append(sign)

    @property
    def box(self) -> Box:
        """Where it was last."""
        return self.last.box

    @property
    def score(self) -> float:
        """Mean score of the detector."""
        return self._score_sum / self.frames

    @property
    def place(self) -> float:
        """Mean closeness to the middle of the zone, EDGE_WEIGHT to 1."""
        return self._place_sum / self.frames

    @property
    def width(self) -> float:
        """Mean width of the box in pixels."""
        return self._width_sum / self.frames


class Follower:
    """Follows all faces of one session. Frames before `opened_s` count as what led up to it. Not safe to use from several threads."""

    def __init__(self, opened_s: float) -> None:
        self._opened_s = opened_s
        self._tracks: list[Track] = []
        self._next_key = 1
        self._together: set[frozenset[int]] = set()
        self.frames_inside = 0

    def add(self, sight: Sight) -> None:
        """Give every face of the next frame to the track it continues, or to a new one."""
        inside = sight.mono_s >= self._opened_s
        self.frames_inside += inside
        free = [track for track in self._tracks if sight.mono_s - track.last_s <= MAX_GAP_S]
        seen = set()
        for shot in sorted(sight.shots, key=lambda shot: -shot.score):
            track = nearest(shot.box, free)
            if track is None:
                track = self._begin(shot, sight.mono_s)
            else:
                free.remove(track)
            track.add(shot, sight, inside=inside)
            seen.add(track.key)
        if inside and seen:
            self._together.add(frozenset(seen))

    def real(self, *, min_score: float, min_frames: int) -> tuple[Track, ...]:
        """Tracks since the opening that are persons, the subject first.

        Chosen by score, place, time and size together, never by size alone: a printed face is often larger than the person who wears it.
        """
        found = [track for track in self._tracks if track.frames_inside and track.frames >= min_frames and track.score >= min_score]
        longest = max((track.frames_inside for track in found), default=1)
        widest = max((track.width for track in found), default=1.0)
        return tuple(sorted(found, key=lambda track: -_standing(track, longest, widest)))

    def moments(self, key: int) -> tuple[tuple[float, Box], ...]:
        """When and where the face of this key was seen: its best moments and its last; none for a key that is not followed any more."""
        for track in self._tracks:
            if track.key == key:
                return (*((mono_s, shot.box) for mono_s, shot in track.best.moments()), (track.last_s, track.last.box))
        return ()

    def persons(self, real: Iterable[Track]) -> int:
        """How many of these were seen at one time since the opening, at most."""
        keys = {track.key for track in real}
        return max((len(keys & together) for together in self._together), default=0)

    def _begin(self, shot: Shot, mono_s: float) -> Track:
        if len(self._tracks) >= MAX_TRACKS:
            self._tracks.remove(min(self._tracks, key=lambda track: (track.frames, track.last_s)))
        track = Track(key=self._next_key, last=shot, last_s=mono_s, first_s=mono_s)
        self._next_key += 1
        self._tracks.append(track)
        return track


def _standing(track: Track, longest: int, widest: float) -> float:
    return track.score * track.place * (track.frames_inside / longest) * sqrt(track.width / widest)


def nearest(box: Box, tracks: Iterable[_Followed]) -> _Followed | None:
    """Whose face this is by its place and size alone: the closest of those that it can continue; None for a new one."""
    return max((track for track in tracks if _continues(box, track.box)), key=lambda track: _closeness(box, track.box), default=None)


def _continues(box: Box, before: Box) -> bool:
    growth = box.width / before.width if before.width > 0 else 0.0
    if not 1 / MAX_GROWTH <= growth <= MAX_GROWTH:
        return False
    return box.iou(before) >= MIN_IOU or _shift(box, before) <= MAX_SHIFT


def _closeness(box: Box, before: Box) -> float:
    return box.iou(before) - _shift(box, before)


def _shift(box: Box, before: Box) -> float:
    (x, y), (old_x, old_y) = box.centre, before.centre
    return hypot(x - old_x, y - old_y) / max(1.0, before.width)


def _place(shot: Shot, sight: Sight) -> float:
    x, y = shot.box.centre
    away = hypot(2 * x / sight.width - 1, 2 * y / sight.height - 1) / hypot(1, 1)
    return 1 - (1 - EDGE_WEIGHT) * min(1.0, away)
