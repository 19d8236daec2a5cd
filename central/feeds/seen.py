"""Which keys a file has stated already, in sixteen bytes a row: hashes of keys, each with a mark of the row that stated it first.

Two keys with one 64-bit hash would be taken for one: among ten million rows that happens once in 400,000 files, and the second of the two
rows is then named as a fault, not lost in silence.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Hashes = NDArray[np.int64]


class Seen:
    """Keys, each with the mark of its first row."""

    def __init__(self) -> None:
        """None yet."""
        self._runs: list[tuple[Hashes, Hashes]] = []

    def take(self, keys: Hashes, marks: Hashes) -> tuple[NDArray[np.bool_], Hashes]:
        """Of each row whether its key is new, and the mark of the key's first row; new keys count from now on."""
        firsts, first_of, place = np.unique(keys, return_index=True, return_inverse=True)
        first = first_of[place]
        new, of_first = first == np.arange(len(keys)), marks[first]
        for known, what in self._runs:
            at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            hit = known[at] == keys
            of_first[hit], new[hit] = what[at[hit]], False
        fresh = new[first_of]
        self._add(firsts[fresh], marks[first_of][fresh])
        return new, of_first

    def _add(self, keys: Hashes, marks: Hashes) -> None:
        """Runs of like length are merged, so that there are few of them."""
        if not len(keys):
            return
        while self._runs and len(self._runs[-1][0]) <= 2 * len(keys):
            more, what = self._runs.pop()
            keys, marks = np.concatenate([more, keys]), np.concatenate([what, marks])
            order = np.argsort(keys, kind="stable")
            keys, marks = keys[order], marks[order]
        self._runs.append((keys, marks))


def hashes(rows: pa.RecordBatch, names: Sequence[str]) -> Hashes:
    """One number for the named cells of each row; equal cells give equal numbers within one process."""
    columns = [rows[name].to_pylist() for name in names]
    return np.fromiter(map(hash, zip(*columns, strict=True)), np.int64, rows.num_rows)
