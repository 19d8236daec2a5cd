"""Find faces with CenterFace: one heat map, every face a peak with its box and five landmarks."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.results import Box, Face, Picture, Points
from models.session import Session

STRIDE = 4  # picture pixels to one cell of the outputs
MULTIPLE = 32  # sides of the network's input
LINEAR_FROM = 0.5  # of the picture's size: above, no pixel is left out between two, and the mean of areas takes five times as long

Boxes = NDArray[np.float32]  # (N, 4) as x0, y0, x1, y1


class CenterFace:
    """Detector with CenterFace weights.

    The picture is scaled, up or down, until its longer side is `long_side` pixels (a multiple of 32) and padded with black at the right
    and below. Faces scoring under `min_score` are dropped, as are those overlapping a better one by more than `max_overlap` (IoU).
    """

    def __init__(self, session: Session, *, long_side: int, min_score: float = 0.5, max_overlap: float = 0.3) -> None:
        if long_side < MULTIPLE or long_side % MULTIPLE:
            raise ValueError(f"long_side must be a positive multiple of {MULTIPLE}, not {long_side}")
        self._session = session
        self._long_side = long_side
        self._min_score = min_score
        self._max_overlap = max_overlap

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """All faces of `picture` (height x width x 3, BGR), best score first, in its own pixels; boxes may reach beyond its edges."""
        batch, scale = network_input(picture, self._long_side)
        scores, boxes, landmarks = decode(self._session.run(batch), self._min_score)
        kept = non_maximum_suppression(boxes, scores, self._max_overlap)
        corners = boxes[kept] / np.tile(scale, 2)
        return tuple(_face(*found) for found in zip(scores[kept], corners, landmarks[kept] / scale, strict=True))


def network_input(picture: Picture, long_side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The picture as float32 (1, 3, H, W), RGB 0 to 255, and the scale (x, y) that was applied to it."""
    height, width = picture.shape[:2]
    factor = long_side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    smaller = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < LINEAR_FROM else cv2.INTER_LINEAR)
    batch = np.zeros((1, 3, _padded(size[1]), _padded(size[0])), np.float32)
    for channel in range(3):
        batch[0, 2 - channel, : size[1], : size[0]] = smaller[:, :, channel]
    return batch, np.array([size[0] / width, size[1] / height], np.float32)


def decode(outputs: tuple[NDArray[np.float32], ...], min_score: float) -> tuple[NDArray[np.float32], Boxes, NDArray[np.float32]]:
    """Scores (N,), boxes (N, 4) and landmarks (N, 5, 2) in input pixels, best first, of the cells that score at least `min_score`."""
    heat, scales, offsets, points = (output[0] for output in outputs)
    rows, columns = np.nonzero(heat[0] >= min_score)
    order = np.argsort(-heat[0, rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    height, width = np.exp(scales[:, rows, columns]) * STRIDE
    top = (rows + offsets[0, rows, columns] + 0.5) * STRIDE - height / 2
    left = (columns + offsets[1, rows, columns] + 0.5) * STRIDE - width / 2
    boxes = np.stack([left, top, left + width, top + height], axis=1).astype(np.float32)
    relative = points[:, rows, columns].reshape(5, 2, -1)  # each landmark as y, x in box heights and widths
    landmarks = np.stack([left + relative[:, 1] * width, top + relative[:, 0] * height], axis=-1).transpose(1, 0, 2).astype(np.float32)
    sound = np.isfinite(boxes).all(axis=1) & np.isfinite(landmarks).all(axis=(1, 2))
    return heat[0, rows, columns][sound], boxes[sound], landmarks[sound]


def non_maximum_suppression(boxes: Boxes, scores: NDArray[np.float32], max_overlap: float) -> NDArray[np.intp]:
    """Indices of the boxes to keep, best score first: each overlaps every better kept one by at most `max_overlap` (IoU)."""
    waiting = np.argsort(-scores, kind="stable")
    kept = []
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        waiting = waiting[_overlaps(boxes[best], boxes[waiting]) <= max_overlap]
    return np.array(kept, np.intp)


def _face(score: np.float32, corners: NDArray[np.float32], landmarks: Points) -> Face:
    x0, y0, x1, y1 = corners.tolist()
    return Face(box=Box(x0=x0, y0=y0, x1=x1, y1=y1), score=float(score), landmarks=landmarks)


def _overlaps(box: NDArray[np.float32], others: Boxes) -> NDArray[np.float32]:
    corner = np.maximum(box[:2], others[:, :2])
    shared = np.prod(np.maximum(0, np.minimum(box[2:], others[:, 2:]) - corner), axis=1)
    united = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1) - shared
    overlaps: NDArray[np.float32] = np.divide(shared, united, out=np.zeros_like(shared), where=united > 0)
    return overlaps


def _padded(side: int) -> int:
    return -(-side // MULTIPLE) * MULTIPLE
