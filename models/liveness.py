"""Judge from one frame whether a face is there in person: two MiniFASNets look at it with little and with much of its surroundings."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.results import Box, Picture
from models.session import Session

CROP_SIDE = 80
# Sides of the two crops over those of the face box, in the order of the networks. Where a crop does not fit into the picture it is made
# smaller, then moved inside.
CROPS = (2.7, 4.0)
CLASSES = 3
LIVE = 1  # the class of a live face; the others are attacks
# The networks were trained around boxes of another detector. This part of a CenterFace box, about its middle, gave the clearest answers on
# the window clips and the labelled pictures, and stands among neighbours that answer alike.
BOX_WIDTH, BOX_HEIGHT = 0.9, 0.8

Crops = NDArray[np.uint8]  # (2, 80, 80, 3), blue green red


class MiniFASNet:
    """LivenessNet with the weights of MiniFASNetV2 (`near`) and MiniFASNetV1SE (`wide`). `version` names both.

    With `at_once` both run side by side, which two cores do in 0.6 of the time; each is too small to be shared out among cores itself.
    """

    def __init__(self, near: Session, wide: Session, version: str, *, at_once: bool = False) -> None:
        for session in (near, wide):
            if len(session.output_shapes) != 1 or session.output_shapes[0][-1] != CLASSES:
                raise ModelError(f"a MiniFASNet has one output of {CLASSES} classes, this network has {session.output_shapes}")
        self._networks = (near, wide)
        self._version = version
        self._map = ThreadPoolExecutor(len(CROPS), "liveness").map if at_once else map

    @property
    def version(self) -> str:
        """Name of the network and the first 12 hexadecimal digits of each published weights' sha256."""
        return self._version

    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How live each face looks, 0 to 1, float32 (N,), from `crops` (N, 2, 80, 80, 3), BGR, cut by `crops`.

        The mean of both networks; no probability that holds for a camera of your own, and no verdict: fuse several frames. Raises
        ModelError on any other shape or type, or when a network gives what is not finite.
        """
        if crops.ndim != 5 or crops.shape[1:] != (len(CROPS), CROP_SIDE, CROP_SIDE, 3) or crops.dtype != np.uint8:
            raise ModelError(f"crops are uint8 (N, {len(CROPS)}, {CROP_SIDE}, {CROP_SIDE}, 3), not {crops.dtype} {crops.shape}")
        if not len(crops):
            return np.empty(0, np.float32)
        batches = np.ascontiguousarray(crops.transpose(1, 0, 4, 2, 3), np.float32)
        scores = np.mean(list(self._map(_live, self._networks, batches)), axis=0, dtype=np.float32)
        if not np.isfinite(scores).all():
            raise ModelError("the liveness networks gave a value that is not finite; check their weights with: python -m models check")
        return np.asarray(scores, np.float32)


def _live(network: Session, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    return network.run(batch)[0][:, LIVE]


def crops(picture: Picture, box: Box) -> Crops:
    """What the networks look at, uint8 (2, 80, 80, 3), of the face in `box` of `picture` (height x width x 3, BGR).

    `picture` must hold the surroundings of the face, not only its portrait: they say most. Raises ValueError for a box that is empty, not
    finite, or wholly outside the picture.
    """
    height, width = picture.shape[:2]
    corners = (box.x0, box.y0, box.x1, box.y1)
    inside = box.x0 < width and box.y0 < height and box.x1 > 0 and box.y1 > 0
    if not np.isfinite(corners).all() or box.area <= 0 or not inside:
        raise ValueError(f"a face box must lie in the picture of {width} x {height}, not at {corners}")
    return np.stack([_cut(picture, box, scale) for scale in CROPS])


def _cut(picture: Picture, box: Box, scale: float) -> Picture:
    height, width = picture.shape[:2]
    across, down = BOX_WIDTH * box.width, BOX_HEIGHT * box.height
    factor = min(scale, width / across, height / down)
    x0, x1 = _span(box.centre[0], factor * across, width)
    y0, y1 = _span(box.centre[1], factor * down, height)
    part: Picture = cv2.resize(picture[y0:y1, x0:x1], (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_LINEAR)
    return part


def _span(middle: float, length: float, size: int) -> tuple[int, int]:
    """First and last pixel, exclusive, of a stretch about `middle` that was moved into 0 to `size`; at least one pixel."""
    start = int(np.clip(middle - length / 2, 0, max(0.0, size - length)))
    start = min(start, size - 1)
    return start, min(size, max(start + 1, int(start + length)))
