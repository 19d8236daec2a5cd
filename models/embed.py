"""Describe faces with MobileFaceNet: 192 values a face, near for one person and far apart for two."""

import numpy as np
from numpy.typing import NDArray

from models.align import CHIP_SIDE
from models.errors import ModelError
from models.session import Session

MEAN, SPREAD = np.float32(127.5), np.float32(128)


class MobileFaceNet:
    """Embedder with MobileFaceNet weights. `version` names the weights and travels with every vector."""

    def __init__(self, session: Session, version: str) -> None:
        size = session.output_shapes[0][-1]
        if len(session.output_shapes) != 1 or not isinstance(size, int):
            raise ModelError(f"an embedder has one output of fixed size, this network has {session.output_shapes}")
        self._session = session
        self._version = version
        self._size = size

    @property
    def version(self) -> str:
        """Name of the network and the first 12 hexadecimal digits of its published weights' sha256."""
        return self._version

    @property
    def size(self) -> int:
        """Values in a vector."""
        return self._size

    def describe(self, chips: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Unit vectors (N, size) and strengths (N,) of `chips` (N, 112, 112, 3), BGR, aligned by `align.chip`. Raises ModelError on any
        other shape or type.
        """
        if chips.ndim != 4 or chips.shape[1:] != (CHIP_SIDE, CHIP_SIDE, 3) or chips.dtype != np.uint8:
            raise ModelError(f"chips are uint8 (N, {CHIP_SIDE}, {CHIP_SIDE}, 3), not {chips.dtype} {chips.shape}")
        if not len(chips):
            return split(np.empty((0, self._size), np.float32))
        batch = np.ascontiguousarray(chips[..., ::-1].transpose(0, 3, 1, 2), np.float32)
        return split(self._session.run((batch - MEAN) / SPREAD)[0])


def split(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The directions of `rows` (N, D), as unit vectors, and their lengths (N,). Raises ModelError for a row of no direction: the network
    failed and must not be compared.
    """
    lengths: NDArray[np.float32] = np.linalg.norm(rows, axis=1)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ModelError("the embedder gave a vector that is zero or not finite; check its weights with: python -m models check")
    return rows / lengths[:, np.newaxis], lengths
