"""Aligned faces that a camera films: drawn once, then turned, shifted, lit and grained as it goes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.results import Picture

SIDE = 112
EYES, MOUTH = (slice(40, 58), slice(28, 84)), (slice(80, 98), slice(38, 76))  # rows and columns of the drawing


def drawn(seed: int = 1) -> NDArray[np.float32]:
    """Something with light and dark places of the size of eyes, nose and mouth, (112, 112) from 40 to 210."""
    rough = np.random.default_rng(seed).standard_normal((SIDE, SIDE)).astype(np.float32)
    soft = cv2.GaussianBlur(rough, (0, 0), 7.0)
    return np.asarray(125 + 85 * soft / np.abs(soft).max(), np.float32)


def without(face: NDArray[np.float32], place: tuple[slice, slice]) -> NDArray[np.float32]:
    """The same with one place gone flat, as eyes that close and a mouth that opens do."""
    other = face.copy()
    other[place] = other[place].mean()
    return np.asarray(cv2.GaussianBlur(other, (0, 0), 1.0), np.float32)


def moved(face: NDArray[np.float32], random: np.random.Generator, grain: float = 3.0) -> Picture:
    """The face after an affine map such as a plane that is turned by hand goes through, in another light, with the grain of a camera."""
    turn, size = np.radians(random.uniform(-5, 5)), random.uniform(0.95, 1.05, 2)
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.diag(size)
    linear[0, 1] += random.uniform(-0.05, 0.05)
    middle = np.full(2, SIDE / 2)
    matrix = np.column_stack([linear, middle - linear @ middle + random.uniform(-2, 2, 2)])
    turned = cv2.warpAffine(face, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    lit = turned * random.uniform(0.85, 1.1) + random.uniform(-10, 10)
    return np.clip(lit[..., None] + grain * random.standard_normal((SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
