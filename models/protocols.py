"""What a face network must be able to do, whatever library runs it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.results import Face, Picture


class Detector(Protocol):
    """Finds faces."""

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """All faces of `picture` (height x width x 3, BGR), best score first; empty when there is none."""
        ...


class Embedder(Protocol):
    """Turns aligned faces into vectors; vectors of different `version` must never be compared."""

    @property
    def version(self) -> str:
        """Name of the network and the first 12 hexadecimal digits of its published weights' sha256."""
        ...

    @property
    def size(self) -> int:
        """Values in a vector."""
        ...

    def describe(self, chips: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Unit vectors (N, size) of `chips` (N, 112, 112, 3), BGR, aligned by `align.chip`, and the strength (N,) of each.

        The strength is the length of the network's output before it became a unit vector. Trained with an angular margin, as ArcFace is,
        networks give longer outputs for faces that are easier to recognise (Meng et al., "MagFace", CVPR 2021), so a hidden or blurred
        face is weak. Its scale is the network's own: never compare strengths of different `version`.
        """
        ...


class LivenessNet(Protocol):
    """Judges from one frame whether a face is there in person."""

    @property
    def version(self) -> str:
        """Name of the network and the first 12 hexadecimal digits of its published weights' sha256."""
        ...

    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How live each face looks, 0 to 1, float32 (N,), from `crops` (N, 2, 80, 80, 3), BGR, cut by `liveness.crops`."""
        ...
