"""What hides parts of a face, seen by its colour.

Two approximations that miss different things: the share of each part that is not of the colour of the person's skin, which a white mask on
a light face or a black one on a dark face escapes, and the step between forehead and chin, which also a grey camera shows. Cloth of the
colour of skin and a hand are seen by neither; some of these make the embedder's output weak (see `Embedder.describe`), and for the rest
the lower limit of similarity leaves room.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.results import Picture

# Rows and columns of the aligned 112 x 112 chip.
FOREHEAD = (slice(30, 44), slice(36, 76))
CHEEKS = (slice(56, 72), slice(30, 82))
EYES = (slice(42, 62), slice(24, 88))
MOUTH = (slice(76, 104), slice(36, 76))
CHIN = (slice(80, 104), slice(40, 74))
FACE = (slice(28, 106), slice(24, 88))

COLOUR_REACH = 20  # distance in a and b of 8 bit Lab; lips, brows and blush stay within, coloured masks are 35 and more away
LIGHT_REACH = 85  # of 255; the shadow side of a face stays within
NATURAL_A, NATURAL_B = (5.0, 25.0), (5.0, 35.0)  # CIELAB ranges of skin in ISO/IEC 29794-5
COLOURLESS = 1.0  # mean distance from grey in a and b; a colour camera gives skin 10 and more


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Shares, 0 to 1, of a part's pixels that are not skin. Open eyes, brows, beards and glasses count too: bare eyes give up to 0.42."""

    eyes: float
    mouth: float
    face: float


def look_for_cover(lab: NDArray[np.uint8]) -> Cover | None:
    """What hides a face whose aligned chip is `lab` (112, 112, 3), OpenCV's 8 bit Lab; None when it has no colour.

    Skin is the median colour of the forehead or, where that is further from what skin looks like (a fringe, a cap), of the cheeks.
    """
    values = lab[FACE].astype(np.int32)
    if float(np.abs(values[:, :, 1:] - 128).mean()) < COLOURLESS:
        return None
    skin = min((_median(lab[patch]) for patch in (FOREHEAD, CHEEKS)), key=lambda colour: unnatural(*(colour[1:] - 128)))
    strange = _strange(values, skin)
    eyes, mouth, face = (float(strange[_within(part)].mean()) for part in (EYES, MOUTH, FACE))
    return Cover(eyes=eyes, mouth=mouth, face=face)


def colour_step(chip: Picture) -> tuple[float, float]:
    """Distance in colour and in lightness (OpenCV's 8 bit Lab) between forehead and chin of an aligned face (112, 112, 3), BGR."""
    lab = cv2.cvtColor(chip, cv2.COLOR_BGR2Lab)
    upper, lower = (_median(lab[patch]).astype(np.float64) for patch in (FOREHEAD, CHIN))
    return float(np.hypot(*(upper[1:] - lower[1:]))), float(abs(upper[0] - lower[0]))


def unnatural(a: float, b: float) -> float:
    """How far a colour (CIELAB a and b around 0) lies from the range of human skin; 0 within."""
    (a_low, a_high), (b_low, b_high) = NATURAL_A, NATURAL_B
    return float(np.hypot(max(0.0, a_low - a, a - a_high), max(0.0, b_low - b, b - b_high)))


def _strange(values: NDArray[np.int32], skin: NDArray[np.int32]) -> NDArray[np.bool_]:
    light, a, b = (values[:, :, channel] - skin[channel] for channel in range(3))
    beyond: NDArray[np.bool_] = (a * a + b * b > COLOUR_REACH**2) | (np.abs(light) > LIGHT_REACH)
    return beyond


def _median(patch: NDArray[np.uint8]) -> NDArray[np.int32]:
    middle: NDArray[np.int32] = np.sort(patch.reshape(-1, 3), axis=0)[patch.size // 6].astype(np.int32)
    return middle


def _within(part: tuple[slice, slice]) -> tuple[slice, slice]:
    """The same rows and columns counted from the corner of FACE."""
    rows, columns = (slice(inner.start - outer.start, inner.stop - outer.start) for inner, outer in zip(part, FACE, strict=True))
    return rows, columns
