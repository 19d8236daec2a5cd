"""Look at one frame: compare the window's zone with the empty window, find the faces in it, and judge each.

Finding faces costs most. While nothing stirs before a learnt window and nobody is being served, it is done now and then only.
"""

from math import inf

import cv2
import numpy as np

from edge_agent.camera.frames import Presented, Shot, Sight
from edge_agent.sections.core import Limits
from edge_agent.window.presence import Background, Ground
from models import quality
from models.align import chip
from models.liveness import crops
from models.liveness_signs import look
from models.liveness_track import LivenessShot
from models.protocols import Detector
from models.quality_components import HINTS_BELOW, assess
from models.quality_cover import colour_step
from models.results import Box, Face, Picture

PORTRAIT_MARGIN = 0.6  # of the box on every side: hair, shoulders and what the person wears, so that people can judge
STIR = 0.25  # of the share that may differ from the empty window: the first edge of whoever steps up
MAX_FACES = 16  # the best scored of a frame; a poster full of faces must not stop the window
COVERED = frozenset({"eyes_covered", "mouth_covered", "face_covered"})
PORTRAIT_SIDE = 320  # pixels; larger pictures are made smaller, so that memory stays bounded


class Eyes:
    """Looks at the frames of one window. Not safe to use from several threads."""

    def __init__(
        self,
        *,
        detector: Detector,
        zone: tuple[float, float, float, float],
        limits: Limits,
        background: Background,
        idle_interval_s: float,
        liveness: bool = False,
    ) -> None:
        """While idle, faces are searched for at least every `idle_interval_s`. `liveness` says whether shots keep what liveness is judged
        by; without a network for it that would cost time for nothing.
        """
        self._detector = detector
        self._idle_interval_s = idle_interval_s
        self._liveness = liveness
        self._searched_s = -inf
        self._found = False
        self._zone = zone
        self._limits = limits
        self._quality = quality.QualityLimits(inter_eye_distance=limits.min_inter_eye_px, yaw=limits.max_yaw_deg)
        self._background = background

    def look(self, picture: Picture, mono_s: float, *, serving: bool = True) -> Sight:
        """Analyse a frame (height x width x 3, BGR). Compares nobody and makes no template. Raises ModelError when the network fails.

        Unless somebody is being served (`serving`), faces are not searched for in a frame where nothing stirs; its sight has none then.
        """
        zone = cut(picture, self._zone)
        compared = self._background.compare(zone)
        if serving or self._found or self._stirs(compared.ground) or mono_s - self._searched_s >= self._idle_interval_s:
            shots = self._search(zone, mono_s)
        else:
            shots = ()
        faces = self._sure(shots)
        ground = self._background.learn(compared, mono_s, face=faces > 0)
        return Sight(mono_s=mono_s, width=zone.shape[1], height=zone.shape[0], shots=shots, faces=faces, ground=ground)

    def _stirs(self, ground: Ground) -> bool:
        return not ground.learnt or ground.foreground > STIR * self._limits.empty_share

    def _search(self, zone: Picture, mono_s: float) -> tuple[Shot, ...]:
        shots = tuple(shot for face in self._detector.detect(zone)[:MAX_FACES] if (shot := self._shot(zone, face, mono_s)) is not None)
        self._searched_s, self._found = mono_s, self._sure(shots) > 0
        return shots

    def _sure(self, shots: tuple[Shot, ...]) -> int:
        return sum(shot.score >= self._limits.min_face_score for shot in shots)

    def _shot(self, zone: Picture, face: Face, mono_s: float) -> Shot | None:
        try:
            aligned = chip(zone, face.landmarks)
            presented = _presented(zone, face, mono_s) if self._liveness else None
        except ValueError:  # landmarks all on one point, or a box without area or beyond the zone: not a face
            return None
        measured = quality.measure(zone, face, aligned)
        reasons = assess(zone, face, measured, self._quality, aligned).reasons
        hints = tuple(code for code in reasons if code in HINTS_BELOW)
        return Shot(
            box=face.box,
            score=face.score,
            quality=measured,
            problems=tuple(code for code in reasons if code not in HINTS_BELOW),
            covered=self._steps(aligned) or not COVERED.isdisjoint(hints),
            chip=aligned,
            portrait=portrait(zone, face.box),
            hints=hints,
            presented=presented,
        )

    def _steps(self, aligned: Picture) -> bool:
        """Whether the lower half of a face differs from the forehead by more than skin, beard and light do."""
        chroma, lightness = colour_step(aligned)
        return chroma > self._limits.cover_chroma or lightness > self._limits.cover_lightness


def cut(picture: Picture, zone: tuple[float, float, float, float]) -> Picture:
    """The part of `picture` that lies in `zone` (left, top, right, bottom as shares), at least one pixel; a view, not a copy."""
    height, width = picture.shape[:2]
    x0, y0 = min(int(zone[0] * width), width - 1), min(int(zone[1] * height), height - 1)
    return picture[y0 : max(y0 + 1, round(zone[3] * height)), x0 : max(x0 + 1, round(zone[2] * width))]


def _presented(zone: Picture, face: Face, mono_s: float) -> Presented:
    """Cut from the whole zone: the surroundings of a face say most about whether it is shown."""
    looks = crops(zone, face.box)
    signs = look(zone, face.landmarks, looks)
    shot = LivenessShot(mono_s=mono_s, landmarks=face.landmarks, border=signs.border, digest=signs.digest, score=None)
    return Presented(shot=shot, looks=looks)


def portrait(picture: Picture, box: Box) -> Picture:
    """A copy of the face with its surroundings, at most PORTRAIT_SIDE pixels a side."""
    height, width = picture.shape[:2]
    across, down = PORTRAIT_MARGIN * box.width, PORTRAIT_MARGIN * box.height
    x0, x1 = _inside(box.x0 - across, box.x1 + across, width)
    y0, y1 = _inside(box.y0 - down, box.y1 + down, height)
    return shrink(picture[y0:y1, x0:x1], PORTRAIT_SIDE)


def shrink(picture: Picture, side: int) -> Picture:
    """A copy whose longer side has at most `side` pixels."""
    factor = side / max(picture.shape[:2])
    if factor >= 1:
        return picture.copy()
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _inside(low: float, high: float, size: int) -> tuple[int, int]:
    start = int(np.clip(low, 0, size - 1))
    return start, int(np.clip(high, start + 1, size))
