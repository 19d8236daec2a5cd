"""Turn, scale and shift a face so that its landmarks lie where the embedder expects them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.results import Picture, Points

CHIP_SIDE = 112

# The five points to which ArcFace networks were trained, in pixels of a 112 x 112 chip.
TEMPLATE: Points = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    np.float32,
)


def chip(picture: Picture, landmarks: Points) -> Picture:
    """The aligned face, uint8 (112, 112, 3); what lies beyond the picture is black.

    Does not judge whether the landmarks are a face. Raises ValueError when they all fall on one point or are not finite.
    """
    matrix = similarity_transform(landmarks, TEMPLATE)
    aligned: Picture = cv2.warpAffine(picture, matrix, (CHIP_SIDE, CHIP_SIDE), flags=cv2.INTER_LINEAR)
    return aligned


def similarity_transform(source: Points, target: Points) -> NDArray[np.float64]:
    """The 2 x 3 matrix of turn, scale and shift, never a mirror, that brings `source` (N, 2) nearest to `target` in least squares
    (Umeyama).
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    from_mean, to_mean = source.mean(axis=0), target.mean(axis=0)
    spread = np.sum((source - from_mean) ** 2) if np.isfinite(source).all() else 0.0
    if spread <= 0:
        raise ValueError(f"landmarks cannot be aligned: {source.tolist()}")
    left, sizes, right = np.linalg.svd((target - to_mean).T @ (source - from_mean))
    proper = np.array([1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    linear = (sizes @ proper / spread) * (left * proper) @ right
    return np.column_stack([linear, to_mean - linear @ from_mean])
