"""Whether a live stream shows again, bit by bit, what it showed before. Pure: no clock, no thread.

The noise of a real sensor never repeats exactly. One picture over and over is a frozen stream: a cable, a box or a program gives what came
last. Pictures that come back after others is a looped one: a recording stands in for the camera. A picture that merely follows itself fills
a frame rate and is one picture.
"""

from collections import OrderedDict
from hashlib import blake2b

import numpy as np

from models.results import Picture

ROW_STEP = 8  # rows of which one is hashed and compared first: noise tells pictures apart in every row, and this costs an eighth
DIGEST_BYTES = 8
LOOPED_AFTER_S = 1.0  # so long nothing but known pictures
LOOPED_CHANGES = 5  # and at least so many of them
PLAIN_LEVELS = 12  # a picture of fewer grey levels holds no noise to know it by: the dark, a cap, a plain signal


class Repeats:
    """Takes the pictures of one live source in order. Not safe to use from several threads."""

    def __init__(self, *, frozen_after_s: float, memory_s: float) -> None:
        """One picture for `frozen_after_s` is frozen; pictures of the last `memory_s` are known again."""
        self._frozen_after_s, self._memory_s = frozen_after_s, memory_s
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self._last: Picture | None = None
        self._heard_s = self._changed_s = 0.0
        self._again_s: float | None = None
        self._changes = 0

    def note(self, picture: Picture, now_s: float) -> None:
        """Take in the next picture (height x width x 3), which nobody may change afterwards."""
        if self._last is None or not _equal(picture, self._last):
            self._note_change(picture, now_s)
            self._last, self._changed_s = picture, now_s
        self._heard_s = now_s

    def frozen_since(self, now_s: float) -> float | None:
        """Since when one picture has stood, if that is long enough and it came at least twice."""
        still = self._heard_s > self._changed_s and now_s - self._changed_s >= self._frozen_after_s
        return self._changed_s if still else None

    def looped_since(self) -> float | None:
        """Since when only pictures came that were known, if that is long enough to be no accident."""
        if self._again_s is None or self._changes < LOOPED_CHANGES or self._heard_s - self._again_s < LOOPED_AFTER_S:
            return None
        return self._again_s

    def _note_change(self, picture: Picture, now_s: float) -> None:
        digest = blake2b(picture[::ROW_STEP].tobytes(), digest_size=DIGEST_BYTES).digest()
        if digest in self._known and not _plain(picture):
            self._again_s = now_s if self._again_s is None else self._again_s
            self._changes += 1
        else:
            self._again_s, self._changes = None, 0
        self._known[digest] = now_s
        self._known.move_to_end(digest)
        while now_s - next(iter(self._known.values())) > self._memory_s:
            self._known.popitem(last=False)


def _equal(one: Picture, other: Picture) -> bool:
    return np.array_equal(one[::ROW_STEP], other[::ROW_STEP]) and np.array_equal(one, other)


def _plain(picture: Picture) -> bool:
    rows = picture[::ROW_STEP]
    return int(rows.max()) - int(rows.min()) < PLAIN_LEVELS
