"""Run an embedder through the `insightface` library, behind the same Protocol. Optional: needs the extra `insightface`.

The file must already lie on this machine: nothing is downloaded. The library guesses what a file is from its shapes, and how inputs are
scaled from node names, so neither guess is trusted: the first is checked, the second replaced. Mind the licence of the weights: most of
that library's own are for research only.
"""

from pathlib import Path

import numpy as np
from insightface.model_zoo import get_model
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from numpy.typing import NDArray

from models.embed import split
from models.errors import ModelError, WeightsMissing


class InsightFaceEmbedder:
    """Embedder on an ArcFace-like ONNX file of the `insightface` library."""

    def __init__(self, path: Path, version: str, *, mean: float = 127.5, spread: float = 127.5) -> None:
        """Load `path` on the CPU; inputs become (x - mean) / spread. Raises WeightsMissing, or ModelError when it is no ArcFace or scales
        by itself.
        """
        if not path.is_file():
            raise WeightsMissing(f"{path} is missing; put the file there, this program does not download it")
        network = get_model(str(path), providers=["CPUExecutionProvider"])
        if not isinstance(network, ArcFaceONNX):
            raise ModelError(f"{path} was taken for {type(network).__name__}, not for an ArcFace embedder")
        if network.input_mean == 0:
            raise ModelError(f"{path} scales its inputs by itself, so mean {mean} and spread {spread} would be applied twice")
        network.input_mean, network.input_std = mean, spread
        self._network = network
        self._version = version

    @property
    def version(self) -> str:
        """As given; vectors of different versions must never be compared."""
        return self._version

    @property
    def size(self) -> int:
        """Values in a vector."""
        return int(self._network.output_shape[-1])

    def describe(self, chips: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Unit vectors (N, size) and strengths (N,) of `chips` (N, 112, 112, 3), BGR, aligned by `align.chip`."""
        if not len(chips):
            return split(np.empty((0, self.size), np.float32))
        return split(self._network.get_feat(list(chips)))
