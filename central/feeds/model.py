"""What a dataset from outside is made of, and what a reader says of it. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from central.feeds.kinds import Kind

PERSONAL = frozenset({"psn_name", "certno", "psn_cert_type", "mdtrt_cert_no", "card_sn", "tel", "coner_name"})
"""Columns that name or identify a person. They are neither read nor stored, whatever they hold."""

_IDENTITY_NUMBER = re.compile(r"(?<![0-9])([0-9]{6})[0-9]{8}([0-9]{3}[0-9Xx])(?![0-9Xx])")
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNDECODED = re.compile("[\udc80-\udcff]")
_SHOWN = 80

Wrong = Callable[[pa.RecordBatch], NDArray[np.bool_]]
"""Which rows of a typed batch cannot be true as they stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a row, or one cell of it, was refused. `column` is empty for the row as a whole; `value` is cut and masked."""

    line: int
    column: str
    value: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name, what it may hold, whether a row without it is refused, what it means, and other names that it goes by.

    `absent` is the value of an empty cell.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    also: tuple[str, ...] = ()
    absent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What cells that are fine one by one may not say together; the fault is told of one column."""

    column: str
    message: str
    wrong: Wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One dataset: its name, its columns in the order of the documentation, its key, and what its rows may not say.

    `valid`: a column that is 0 where a row takes back what was said under its key. `moment`: the column that places a row in a period.
    `remark`: what is odd in rows that are kept all the same.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    checks: tuple[Check, ...] = ()
    valid: str | None = None
    moment: str | None = None
    remark: Check | None = None
    also: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """The typed columns."""
        return pa.schema([pa.field(column.name, column.kind.arrow) for column in self.columns])

    def names(self) -> Mapping[str, Column]:
        """Every name that a file may use, and whose it is."""
        return {name: column for column in self.columns for name in (column.name, *column.also)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows of a file, in its order: `lines[n]` is where `rows[n]` stands; `read` counts rows, refused ones among them."""

    lines: NDArray[np.int64]
    rows: pa.RecordBatch
    faults: tuple[Fault, ...]
    read: int
    after: int
    """The line behind the last one that this batch covers."""

    @property
    def bad(self) -> int:
        """Refused rows."""
        return self.read - int(self.rows.num_rows)


@dataclass(slots=True)
class Count:
    """What was read of one dataset. `repeated` rows said word for word what another had said."""

    rows: int = 0
    bad: int = 0
    repeated: int = 0
    withdrawn: int = 0
    faults: list[Fault] = field(default_factory=list)


def shown(value: str) -> str:
    """A value as a fault may repeat it: cut to 80 characters, control characters and undecoded bytes escaped, identity numbers masked."""
    clean = _NOT_TEXT.sub(lambda found: found[0].encode("unicode_escape").decode(), value[: 2 * _SHOWN])
    masked = _IDENTITY_NUMBER.sub(r"\1********\2", clean)
    return masked if len(masked) <= _SHOWN else masked[: _SHOWN - 1] + "…"


def read_row(line: int, cells: Mapping[str, str], columns: tuple[Column, ...]) -> dict[str, Any] | list[Fault]:
    """Read one row, cell by cell. Every wrong cell is named, not only the first; a row with any fault is refused as a whole."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for column in columns:
        cell = cells.get(column.name, "").strip()
        try:
            values[column.name] = _read_cell(column, cell)
        except ValueError as error:
            faults.append(Fault(line=line, column=column.name, value=shown(cell), message=str(error)))
    return faults or values


def _read_cell(column: Column, cell: str) -> Any:
    if not cell:
        if column.required:
            raise ValueError("is empty but required")
        return column.absent
    if _NOT_TEXT.search(cell):
        broken = _UNDECODED.search(cell) is not None
        raise ValueError("holds bytes that are not in the file's encoding" if broken else "holds control characters")
    return column.kind.read(cell)
