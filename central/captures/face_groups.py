"""Which captures show the same face: exact comparison with the recent ones, so that rules can stay relational.

A group is named by a number derived from its first capture; it says "looks the same to this network", never who it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import numpy as np

from models import compare
from models.results import Vector

_FIRST_CAPACITY = 1024


class Band(StrEnum):
    """How sure the grouping is. Rules count `first` (the founder of a group) and `same`, never `doubtful`."""

    FIRST = "first"
    SAME = "same"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Cosine of fused embeddings; see the settings for where the figures come from."""

    same: float
    doubtful: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """A face that was grouped before."""

    vector: Vector
    group: int
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """The group of one new face, and its similarity to the nearest known one (None if there was none)."""

    group: int
    band: Band
    similarity: float | None


def group_of(founder: str) -> int:
    """The number of the group that a capture founds: 62 bits of a hash, so that workers need not agree on a counter."""
    return int.from_bytes(sha256(founder.encode()).digest()[:8], "big") >> 2


class FaceIndex:
    """The recent faces of one network, in one matrix. Not safe to share between threads."""

    def __init__(self, known: Iterable[Known], limits: Limits) -> None:
        """Start from what the database holds."""
        self._limits = limits
        self._count = 0
        self._rows: np.ndarray[tuple[int, int], np.dtype[np.float32]] = np.empty((0, 0), np.float32)
        self._groups: list[int] = []
        self._seen: list[datetime] = []
        for face in known:
            self.add(face)

    def assign(self, vector: Vector, capture: str) -> Assigned:
        """Find the group of a face without remembering it."""
        indices, scores = compare.top(self._rows[: self._count], vector) if self._count else (np.empty(0, np.intp), np.empty(0, np.float32))
        if not len(indices):
            return Assigned(group=group_of(capture), band=Band.FIRST, similarity=None)
        score = float(scores[0])
        if score >= self._limits.same:
            return Assigned(group=self._groups[indices[0]], band=Band.SAME, similarity=score)
        band = Band.DOUBTFUL if score >= self._limits.doubtful else Band.FIRST
        return Assigned(group=group_of(capture), band=band, similarity=score)

    def add(self, face: Known) -> None:
        """Remember a grouped face."""
        if self._count == len(self._rows):
            self._grow(face.vector.size)
        self._rows[self._count] = face.vector
        self._groups.append(face.group)
        self._seen.append(face.seen_at)
        self._count += 1

    def forget_before(self, moment: datetime) -> None:
        """Drop faces seen before this moment."""
        keep = [index for index in range(self._count) if self._seen[index] >= moment]
        self._rows = self._rows[keep].copy()
        self._groups = [self._groups[index] for index in keep]
        self._seen = [self._seen[index] for index in keep]
        self._count = len(keep)

    def _grow(self, size: int) -> None:
        wider = np.empty((max(_FIRST_CAPACITY, 2 * self._count), size), np.float32)
        wider[: self._count] = self._rows[: self._count].reshape(self._count, size)
        self._rows = wider
