"""Whether a mask or cloth hides the lower half of a face, by its colour.

A hidden face resembles nobody, its owner included: it must not be called another person. Skin over skin (a hand) is not seen; for that the
lower limit of similarity leaves room.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.results import Picture

FOREHEAD = (slice(30, 44), slice(36, 76))  # rows and columns of the aligned 112 x 112 chip
CHIN = (slice(80, 104), slice(40, 74))


def colour_step(chip: Picture) -> tuple[float, float]:
    """Distance in colour and in lightness (OpenCV's 8 bit Lab) between forehead and chin of an aligned face (112, 112, 3)."""
    lab = cv2.cvtColor(chip, cv2.COLOR_BGR2Lab)
    upper, lower = _median(lab[FOREHEAD]), _median(lab[CHIN])
    return float(np.hypot(*(upper[1:] - lower[1:]))), float(abs(upper[0] - lower[0]))


def is_covered(chip: Picture, *, max_chroma: float, max_lightness: float) -> bool:
    """True when the lower half differs from the forehead by more than skin, beard and light do."""
    chroma, lightness = colour_step(chip)
    return chroma > max_chroma or lightness > max_lightness


def _median(patch: NDArray[np.uint8]) -> NDArray[np.float64]:
    middle: NDArray[np.float64] = np.median(patch.reshape(-1, 3), axis=0)
    return middle
