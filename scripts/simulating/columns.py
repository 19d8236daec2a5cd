"""Columns of a million rows at a time: numbers into texts and tables without a Python object for each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from central.inputs import SCHEMAS
from scripts.simulating.month import DAY, SECOND, Month

Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
Reals = npt.NDArray[np.float64]

_MIX = 0x9E3779B97F4A7C15
_PERSONS = 40
_FACES = 62


def table(name: str, rows: int, **columns: Any) -> pa.Table:
    """A table of `central.inputs`: arrays, NumPy arrays or one value for all rows; what is left out is null. Raises KeyError."""
    schema = SCHEMAS[name]
    for column in columns:
        schema.field(column)
    return pa.table([_column(columns.get(field.name), field.type, rows) for field in schema], schema=schema)


def _column(values: Any, kind: pa.DataType, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, kind)
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.cast(kind) if values.type != kind else values
    if isinstance(values, np.ndarray):
        return pa.array(values).cast(kind)
    return pa.repeat(pa.scalar(values, kind), rows)


def text(*parts: Any) -> pa.Array:
    """Texts put together row by row from arrays of numbers, arrays of texts and constants."""
    return pc.binary_join_element_wise(*(_text(part) for part in parts), "")


def _text(part: Any) -> Any:
    if isinstance(part, np.ndarray):
        return pa.array(part).cast(pa.string())
    return part


def padded(numbers: Ints, digits: int) -> pa.Array:
    """Numbers below 10**digits with leading zeros."""
    return pc.utf8_slice_codeunits(pa.array(numbers + 10**digits).cast(pa.string()), 1)


def chosen(pool: Sequence[Any], which: Ints, kind: pa.DataType | None = None) -> pa.Array:
    """Values of a pool by place."""
    return pa.array(list(pool), kind).take(pa.array(which))


def where(present: Truths, values: Any) -> pa.Array:
    """The values where they are present, null elsewhere."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return pc.if_else(pa.array(present), array, pa.scalar(None, array.type))


def person(index: Ints) -> pa.Array:
    """psn_no of the persons of these numbers (below 2**40): opaque, one for each."""
    scrambled = (index.astype(np.uint64) * np.uint64(_MIX)) & np.uint64(2**_PERSONS - 1)
    return text("3300000", padded(scrambled.astype(np.int64), 13))


def face(index: Ints) -> Ints:
    """The face group of the persons of these numbers: one for each, positive."""
    mixed = (index.astype(np.uint64) * np.uint64(_MIX)) & np.uint64(2**_FACES - 1)
    return mixed.astype(np.int64)


def stamp(month: Month, at: Ints, seq: Ints) -> Ints:
    """yyyyMMddHHmmss and four digits of a number, as one whole number: the end of a msgid. The moments must lie in the month."""
    local = at - month.start
    seconds = local % DAY // SECOND
    clock = seconds // 3600 * 10_000 + seconds // 60 % 60 * 100 + seconds % 60
    date = month.year * 10_000 + month.number * 100 + 1 + local // DAY
    return (date * 1_000_000 + clock) * 10_000 + seq
