"""Whom a new template resembles: an exact comparison with everybody's current templates of the same network, held in memory.

Templates lie sealed, so this is the only place besides a gallery page where they are open. What is erased is dropped here at the next look.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from central.people.model import Likeness
from models.errors import BadVector
from models.evaluation.rates import BandLimits
from models.results import Vector

_FIRST_CAPACITY = 1024
_HUNDREDFOLD = 100
"""People are asked to look a hundred times as readily as a picture is refused: a look costs a minute, a refusal a visit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """One current template."""

    template_id: int
    psn_no: str
    vector: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The best match among other people and among the person's own; None where there is nobody. `people` is N: the others compared."""

    other_psn_no: str | None
    other: float | None
    own: float | None
    people: int


class Templates:
    """All current templates of one network in one matrix. Not safe to share between threads."""

    def __init__(self) -> None:
        self._count = 0
        self._rows: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._ids: list[int] = []
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._people: set[str] = set()
        self._whose: NDArray[np.int32] = np.empty(0, np.int32)

    def __len__(self) -> int:
        return self._count

    def add(self, held: Iterable[Held]) -> None:
        """Put templates in. Raises BadVector for one of another size."""
        for one in held:
            if self._count == len(self._rows):
                self._grow(one.vector.size)
            if one.vector.size != self._rows.shape[1]:
                raise BadVector(f"template {one.template_id} has {one.vector.size} values, the others have {self._rows.shape[1]}")
            self._rows[self._count] = one.vector
            self._whose[self._count] = self._numbers.setdefault(one.psn_no, len(self._numbers))
            self._ids.append(one.template_id)
            self._names.append(one.psn_no)
            self._people.add(one.psn_no)
            self._count += 1

    def drop(self, template_ids: Iterable[int]) -> None:
        """Take templates out; others are left alone. Their values are overwritten, not only hidden."""
        gone = set(template_ids).intersection(self._ids)
        if not gone:
            return
        keep = [index for index, name in enumerate(self._ids) if name not in gone]
        rows, whose = self._rows[keep], self._whose[keep]
        self._rows[:] = 0
        self._rows, self._whose, self._count = rows, whose, len(keep)
        self._ids = [self._ids[index] for index in keep]
        self._names = [self._names[index] for index in keep]
        self._people = set(self._names)

    def nearest(self, vector: Vector, psn_no: str, pardoned: frozenset[str]) -> Nearest:
        """The best match of somebody else and of `psn_no`; `pardoned` are people of whom it was decided that they are different."""
        if not self._count:
            return Nearest(other_psn_no=None, other=None, own=None, people=0)
        if vector.size != self._rows.shape[1]:
            raise BadVector(f"a template of {vector.size} values cannot be compared with those of {self._rows.shape[1]}")
        scores = self._rows[: self._count] @ vector
        known = [self._numbers[name] for name in (psn_no, *pardoned) if name in self._numbers]
        mine = self._whose[: self._count] == self._numbers.get(psn_no, -1)
        own = float(scores[mine].max()) if mine.any() else None
        left_out = np.isin(self._whose[: self._count], known)
        people = len(self._people - pardoned - {psn_no})
        if left_out.all():
            return Nearest(other_psn_no=None, other=None, own=own, people=0)
        scores[left_out] = -2.0
        best = int(scores.argmax())
        return Nearest(other_psn_no=self._names[best], other=float(scores[best]), own=own, people=people)

    def _grow(self, size: int) -> None:
        capacity = max(_FIRST_CAPACITY, 2 * self._count)
        wider = np.zeros((capacity, self._rows.shape[1] or size), np.float32)
        whose = np.zeros(capacity, np.int32)
        wider[: self._count] = self._rows[: self._count].reshape(self._count, wider.shape[1])
        whose[: self._count] = self._whose[: self._count]
        self._rows, self._whose = wider, whose


def judged(found: Nearest, limits: BandLimits, certain: float) -> Likeness | None:
    """What a match means; None where nothing speaks against enrolment.

    The more people a picture is compared with, the more alike the best of them is by chance, so the limit rises with their number as at
    the windows. From `certain` on a picture is refused however many they are.
    """
    if found.own is not None and found.own <= limits.different:
        return Likeness.UNLIKE_OWN
    if found.other is None:
        return None
    if found.other >= min(limits.among(found.people), certain):
        return Likeness.OTHER
    if found.own is not None and found.other > max(found.own, limits.different):
        return Likeness.NEARER
    return Likeness.PERHAPS if found.other >= min(limits.among(max(1, found.people // _HUNDREDFOLD)), certain) else None
