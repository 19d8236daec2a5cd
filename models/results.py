"""What the networks say, as frozen named records. Lengths are in pixels of the picture, angles in degrees."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # height x width x 3, blue green red, C-contiguous
Vector = NDArray[np.float32]  # unit length
Points = NDArray[np.float32]  # (5, 2) as x, y


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle with its origin at the top left; it may reach beyond the picture."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Pixels from left to right, never negative."""
        return max(0.0, self.x1 - self.x0)

    @property
    def height(self) -> float:
        """Pixels from top to bottom, never negative."""
        return max(0.0, self.y1 - self.y0)

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The middle as (x, y)."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def iou(self, other: "Box") -> float:
        """Shared area over united area, 0 (apart, or both empty) to 1 (the same box)."""
        shared = Box(x0=max(self.x0, other.x0), y0=max(self.y0, other.y0), x1=min(self.x1, other.x1), y1=min(self.y1, other.y1)).area
        united = self.area + other.area - shared
        return shared / united if united > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Face:
    """One detected face.

    `score` is the detector's confidence, 0 to 1; it is no probability. `landmarks` is float32 (5, 2): left eye, right eye, nose,
    left and right mouth corner, where left is the viewer's left.
    """

    box: Box
    score: float
    landmarks: Points


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How well one face can be compared, in raw native measures. `quality.measure` says how each one is taken.

    The names follow ISO/IEC 29794-5 where it has one; `score` is the detector's, `weight` (0 to 1) is the say of this face when
    several are fused into one template.
    """

    score: float
    sharpness: float  # fine over coarse detail of the aligned chip along its blurrier axis; 0.5 to 0.8 in focus, below 0.45 blurred
    noise: float  # grain in grey levels of 255
    luminance_mean: float  # 0 black to 1 white
    luminance_variance: float  # of the same values, 0 to 0.25
    under_exposure: float  # share of the face that is nearly black, 0 to 1
    over_exposure: float  # share of the face that is nearly white, 0 to 1
    dynamic_range: float  # entropy of the luminance histogram in bits, 0 to 8
    inter_eye_distance: float  # pixels, as if the head were turned back to the front
    head_size: float  # height of the face box over the height of the picture
    yaw: float  # degrees, positive when the nose points to the viewer's right
    pitch: float  # degrees, positive when the face looks down
    roll: float  # degrees, positive when the head tilts clockwise as seen
    crop_margin: float  # room from the square of the aligned chip to the nearest picture edge, in its sides; negative when cut off
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Template:
    """What is kept of a person to compare with later. `vector` is float32 of unit length, made by the embedder of `version`.

    `quality` is that of the best face used. `source` says what it was made from, for example "picture" or "41 of 60 frames".
    """

    vector: Vector
    version: str
    quality: Quality
    source: str
