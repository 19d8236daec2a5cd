"""A whole month: the cases first, then as much of an honest background as is wanted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import get_args

import pyarrow as pa

from central.errors import BadInput
from central.files import write_whole
from central.scoring import Case, write_truth
from scripts.simulating.acting import act
from scripts.simulating.background import FEWEST, Background
from scripts.simulating.month import Month
from scripts.simulating.writing import FILE_NAMES, Folder, Format

CAPTURES_PER_TEN = 12
MOST_CAPTURES_PER_TEN = 16
"""The share that a background may have; cases have fewer, and in a small month they are much of it."""
TRUTH = "truth.csv"
_DRAFT = ".part"

Progress = Callable[[str, int, int], None]
"""Told what is being made, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted: so many rows of claims, refunds among them, and 1.2 times as many captures. The same order gives the same bytes."""

    claims: int
    month: Month
    seed: int


Piece = tuple[str, pa.Table] | Case


def pieces(order: Order, progress: Progress = lambda _what, _done, _of: None) -> Iterator[Piece]:
    """Rows of tables in the schemas of `central.inputs`, piece by piece, and between them the lines of the truth.

    Raises BadInput for fewer claims than the cases need, naming how many that is.
    """
    counts = {"settlements": 0, "captures": 0}
    for acted in act(order.claims, order.month, order.seed, lambda done, of: progress("cases", done, of)):
        yield from acted.truth
        for name, table in acted.tables.items():
            if name in counts:
                counts[name] += table.num_rows
            yield name, table
    background = _background(order, counts["settlements"], counts["captures"])
    made = 0
    for name, table in background.pieces():
        yield name, table
        if name == "settlements":
            made += table.num_rows
            progress("claims", made, background.settlements)


def _background(order: Order, settlements: int, captures: int) -> Background:
    if (rest := order.claims - settlements) < FEWEST:
        raise BadInput(f"{order.claims} claims are too few: the cases need {settlements} and the background {FEWEST}")
    wanted = order.claims * CAPTURES_PER_TEN // 10 - captures
    return Background(settlements=rest, captures=min(wanted, rest * MOST_CAPTURES_PER_TEN // 10), month=order.month, seed=order.seed)


def write(order: Order, folder: Path, kind: Format, progress: Progress = lambda _what, _done, _of: None) -> dict[str, int]:
    """Write the month and its truth into a folder; the rows of each table.

    Never holds more than some towns of it. Files of an earlier month are replaced, but only when all of the new one is written. Raises
    BadInput as `pieces` does, OSError for a folder that cannot be written.
    """
    draft = folder / _DRAFT
    rmtree(draft, ignore_errors=True)
    try:
        rows = _write(order, draft, kind, progress)
        for old in standing(folder):
            old.unlink()
        for path in sorted(draft.iterdir()):
            path.replace(folder / path.name)
    finally:
        rmtree(draft, ignore_errors=True)
    return rows


def _write(order: Order, folder: Path, kind: Format, progress: Progress) -> dict[str, int]:
    truth: list[Case] = []
    with Folder(folder, kind) as files:
        for piece in pieces(order, progress):
            if isinstance(piece, Case):
                truth.append(piece)
            else:
                files.write(*piece)
    write_whole(folder / TRUTH, "".join(write_truth(truth)).encode())
    return files.rows


def standing(folder: Path) -> list[Path]:
    """The files of an earlier month in a folder, in either format."""
    names = [f"{name}.{ending}" for name in FILE_NAMES.values() for ending in get_args(Format)]
    return [path for path in (folder / name for name in [TRUTH, *names]) if path.exists()]
