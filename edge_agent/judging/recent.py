"""Faces of the last settlements, in memory only, to notice one face with several insured persons' cards."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np

from models import compare
from models.results import Vector

MAX_FACES = 2048


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Recent:
    vector: Vector
    psn_no: str
    mono_s: float


class RecentFaces:
    """Remembers for `keep_s` seconds; nothing is written anywhere. Safe to use from several threads.

    `limit` gives the similarity from which it is the same face, by how many faces it is compared with.
    """

    def __init__(self, *, keep_s: float, limit: Callable[[int], float]) -> None:
        self._keep_s = keep_s
        self._limit = limit
        self._faces: deque[_Recent] = deque(maxlen=MAX_FACES)
        self._lock = Lock()

    def add(self, vector: Vector, psn_no: str, mono_s: float) -> None:
        """Remember the face that was seen with this card; with `keep_s` 0 nothing is remembered."""
        if self._keep_s > 0:
            with self._lock:
                self._faces.append(_Recent(vector=vector, psn_no=psn_no, mono_s=mono_s))

    def other_cards(self, vector: Vector, psn_no: str, now_s: float) -> int:
        """For how many other insured persons this face stood here lately."""
        with self._lock:
            while self._faces and self._faces[0].mono_s < now_s - self._keep_s:
                self._faces.popleft()
            faces = [face for face in self._faces if face.psn_no != psn_no]
        if not faces:
            return 0
        order, scores = compare.top(np.stack([face.vector for face in faces]), vector, k=len(faces))
        limit = self._limit(len(faces))
        return len({faces[index].psn_no for index, score in zip(order, scores, strict=True) if score >= limit})
