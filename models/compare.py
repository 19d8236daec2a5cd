"""Compare vectors exactly. Every vector is checked: one bad value must not become a verdict."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import BadVector
from models.results import Vector

UNIT_TOLERANCE = 1e-3


def similarity(a: ArrayLike, b: ArrayLike) -> float:
    """Cosine of two unit vectors of one size, -1 to 1 (identical). Raises BadVector.

    Does not know which network made them: compare `Template.version` first.
    """
    first, second = unit(a), unit(b)
    if first.size != second.size:
        raise BadVector(f"vectors of {first.size} and {second.size} values cannot be compared; were they made by the same network?")
    return float(np.clip(first @ second, -1.0, 1.0))


def fuse(vectors: ArrayLike, weights: Sequence[float]) -> Vector:
    """The weighted mean direction of unit vectors (N, D), float32 (D,). Raises BadVector.

    Weights are not negative and not all zero. Does not check that the vectors are of one person.
    """
    rows = _rows(vectors)
    factors = np.asarray(weights, np.float64)
    if factors.shape != (len(rows),) or not np.isfinite(factors).all() or (factors < 0).any() or not factors.any():
        raise BadVector(f"{len(rows)} vectors need as many weights, none negative and not all zero, not {factors.tolist()}")
    mean = factors @ rows
    length = float(np.linalg.norm(mean))
    if length <= UNIT_TOLERANCE * float(factors.sum()):
        raise BadVector("the vectors cancel each other out; they cannot be of one face")
    return (mean / length).astype(np.float32)


def top(gallery: ArrayLike, query: ArrayLike, k: int = 1) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Indices and similarities of the at most `k` rows of `gallery` (N, D) nearest to `query`, best first.

    The gallery's values are not checked again: check them when they are put in. A gallery without rows gives two empty arrays.
    Raises BadVector.
    """
    probe = unit(query)
    rows = np.asarray(gallery, np.float32)
    if rows.ndim != 2 or (len(rows) and rows.shape[1] != probe.size):
        raise BadVector(f"a gallery of shape {rows.shape} cannot be searched with a vector of {probe.size} values")
    if not len(rows) or k < 1:
        return np.empty(0, np.intp), np.empty(0, np.float32)
    scores = rows @ probe
    count = min(k, len(scores))
    nearest = np.array([scores.argmax()]) if count == 1 else np.argpartition(-scores, count - 1)[:count]
    nearest = nearest[np.lexsort((nearest, -scores[nearest]))]
    return nearest, scores[nearest]


def unit(vector: ArrayLike) -> Vector:
    """`vector` as float32 (D,) after checking that it is one-dimensional, finite and of unit length. Raises BadVector."""
    values = np.asarray(vector, np.float32)
    if values.ndim != 1 or not values.size:
        raise BadVector(f"a vector has one dimension and at least one value; this one has shape {values.shape}")
    length = float(np.linalg.norm(values))
    if not abs(length - 1) <= UNIT_TOLERANCE:
        raise BadVector(f"a vector of {values.size} values has length {length}, not 1; it is damaged or was not made by an embedder")
    return values


def _rows(vectors: ArrayLike) -> NDArray[np.float32]:
    rows = np.asarray(vectors, np.float32)
    if rows.ndim != 2 or not rows.size:
        raise BadVector(f"vectors to fuse are rows of a table with at least one row, not of shape {rows.shape}")
    return np.stack([unit(row) for row in rows])
