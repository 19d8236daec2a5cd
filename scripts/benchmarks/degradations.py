"""Spoil a real face in one way, by degrees: the picture and the face in it as they would be after that."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.align import TEMPLATE, chip, similarity_transform
from models.quality import measure
from models.results import Box, Face, Picture

Seen = tuple[Picture, Face]
Spoil = Callable[[Seen, float], Seen]
Matrix = NDArray[np.float64]  # (2, 3)

MASK, GLASSES = (0, 64, 112, 125), (20, 42, 92, 61)  # left, top, right, bottom in the aligned chip
CLOTH, DARK_GLASS = (230, 190, 120), (15, 10, 10)


def blurred(seen: Seen, share: float) -> Seen:
    """Out of focus by a share of the distance between the eyes."""
    return np.asarray(cv2.GaussianBlur(seen[0], (0, 0), share * _apart(seen[1])), np.uint8), seen[1]


def lit(seen: Seen, factor: float) -> Seen:
    """All light times `factor`, cut at white."""
    return np.clip(seen[0].astype(np.float32) * factor, 0, 255).astype(np.uint8), seen[1]


def flattened(seen: Seen, factor: float) -> Seen:
    """The contrast times `factor`, about middle grey."""
    return (128 + (seen[0].astype(np.float32) - 128) * factor).astype(np.uint8), seen[1]


def tinted(seen: Seen, levels: float) -> Seen:
    """Blue raised and red lowered by so many grey levels."""
    return np.clip(seen[0] + np.array([levels, 0, -levels]), 0, 255).astype(np.uint8), seen[1]


def one_side_dark(seen: Seen, loss: float) -> Seen:
    """Light falls off from the middle of the face to the side that is darker already."""
    middle, apart = float(seen[1].landmarks[2, 0]), _apart(seen[1])
    aligned = chip(seen[0], seen[1].landmarks)
    side = 1 if aligned[30:100, 56:90].mean() < aligned[30:100, 22:56].mean() else -1
    ramp = 1 - loss * np.clip(side * (np.arange(seen[0].shape[1]) - middle) / (apart / 10), 0, 1)
    return (seen[0] * ramp[np.newaxis, :, np.newaxis]).astype(np.uint8), seen[1]


def smaller(seen: Seen, inter_eye: float) -> Seen:
    """The same picture from so far that the eyes are `inter_eye` pixels apart, on a canvas as large as before."""
    factor = inter_eye / measure(*seen).inter_eye_distance
    shrunk = cv2.resize(seen[0], None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    canvas = np.full_like(seen[0], 128)
    canvas[: shrunk.shape[0], : shrunk.shape[1]] = shrunk
    return canvas, moved(seen[1], np.array([[factor, 0, 0], [0, factor, 0]]))


def tilted(seen: Seen, degrees: float) -> Seen:
    """The picture turned about the nose."""
    x, y = (float(value) for value in seen[1].landmarks[2])
    matrix = cv2.getRotationMatrix2D((x, y), -degrees, 1.0)
    return np.asarray(cv2.warpAffine(seen[0], matrix, seen[0].shape[1::-1]), np.uint8), moved(seen[1], np.asarray(matrix, np.float64))


def turned(seen: Seen, degrees: float) -> Seen:
    """The landmarks of the head turned about its own vertical by `degrees`, after the mean face; the pixels stay."""
    landmarks = seen[1].landmarks.copy()
    landmarks[2, 0] += _apart(seen[1]) * np.sin(np.radians(degrees)) * 33 / 63
    return seen[0], replace(seen[1], landmarks=landmarks)


def nodded(seen: Seen, degrees: float) -> Seen:
    """The same about the line through both eyes: the nose, which stands out, goes down."""
    landmarks = seen[1].landmarks.copy()
    landmarks[2, 1] += _apart(seen[1]) * np.sin(np.radians(degrees)) * 33 / 63
    return seen[0], replace(seen[1], landmarks=landmarks)


def cropped(seen: Seen, share: float, *, turns: int = 0) -> Seen:
    """An edge of the picture cut so that it takes `share` of the square around the face: the left one, or after so many quarter turns the
    one below, at the right, above.
    """
    for _ in range(turns):
        seen = _quarter(seen)
    square = _square(seen[1])
    left, side = float(square[:, 0].min()), float(np.hypot(*(square[1] - square[0])))
    cut = min(max(0, round(left + share * side)), seen[0].shape[1] - 1)
    seen = np.ascontiguousarray(seen[0][:, cut:]), moved(seen[1], np.array([[1, 0, -cut], [0, 1, 0.0]]))
    for _ in range(-turns % 4):
        seen = _quarter(seen)
    return seen


def covered(seen: Seen, share: float, *, area: Sequence[int] = MASK, colour: tuple[int, int, int] = CLOTH) -> Seen:
    """A patch of cloth or glass over `share` of an area of the aligned chip, from its middle to all sides."""
    left, top, right, bottom = area
    middle, half = np.array([left + right, top + bottom]) / 2, np.array([right - left, bottom - top]) / 2 * np.sqrt(share)
    corners = middle + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    placed = np.column_stack([corners, np.ones(4)]) @ similarity_transform(TEMPLATE, seen[1].landmarks).T
    return np.asarray(cv2.fillPoly(seen[0].copy(), [placed.astype(np.int32)], colour), np.uint8), seen[1]


def moved(face: Face, matrix: Matrix) -> Face:
    """The face after a turn, scale and shift (2, 3) of its picture."""
    corners = np.array([[face.box.x0, face.box.y0], [face.box.x1, face.box.y1]]) @ matrix[:, :2].T + matrix[:, 2]
    (x0, x1), (y0, y1) = np.sort(corners[:, 0]).tolist(), np.sort(corners[:, 1]).tolist()
    landmarks = (face.landmarks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return replace(face, box=Box(x0=x0, y0=y0, x1=x1, y1=y1), landmarks=landmarks)


def _quarter(seen: Seen) -> Seen:
    """A quarter turn to the right."""
    height = seen[0].shape[0]
    return np.ascontiguousarray(np.rot90(seen[0], -1)), moved(seen[1], np.array([[0, -1, height - 1], [1, 0, 0.0]]))


def _square(face: Face) -> NDArray[np.float64]:
    """Corners (4, 2) of the square that becomes the chip."""
    matrix = similarity_transform(TEMPLATE, face.landmarks)
    corners = np.array([[0, 0], [112, 0], [112, 112], [0, 112]])
    return np.asarray(corners @ matrix[:, :2].T + matrix[:, 2], np.float64)


def _apart(face: Face) -> float:
    """Pixels between the eyes."""
    return float(np.hypot(*(face.landmarks[1] - face.landmarks[0])))
