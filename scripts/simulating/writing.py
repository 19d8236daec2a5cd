"""Tables piece by piece into the files of the import formats: Parquet with decimals and China's time, or CSV."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from central.inputs import FOREVER, SCHEMAS
from scripts.simulating.month import AHEAD

Format = Literal["parquet", "csv"]

MOMENTS = frozenset(
    {
        *("setl_time", "begndate", "enddate", "opened_at", "closed_at", "bound_setl_time", "received_at", "fee_ocur_time", "at"),
        *(
            "since",
            "until",
            "valid_from",
            "valid_to",
            "known_since",
            "leave_from",
            "leave_to",
            "watched_from",
            "death_date",
            "suspended_until",
        ),
        *("signed_at", "left_at", "moved_at", "admitted_at", "discharged_at"),
    }
)
MONEY = frozenset({"medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay", "det_item_fee_sumamt", "inscp_amt"})
THOUSANDTHS = frozenset({"cnt"})
FILE_NAMES = {name: "claims" if name == "settlements" else name for name in SCHEMAS}
"""The file's name without its ending, by table."""

_SCALES = {column: 2 for column in MONEY} | {column: 3 for column in THOUSANDTHS}


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


class Folder:
    """A file for each table in a folder. Rows are written as they come, and nothing of them is kept."""

    def __init__(self, path: Path, kind: Format, tables: Iterable[str] = tuple(SCHEMAS)) -> None:
        """Open every file, so that also a table without rows has one. Raises OSError."""
        self.path, self.kind = path, kind
        path.mkdir(parents=True, exist_ok=True)
        self.rows = dict.fromkeys(tables, 0)
        self._writers = {name: self._open(name) for name in self.rows}

    def write(self, name: str, table: pa.Table) -> None:
        """Append rows in the schema of `central.inputs`."""
        self.rows[name] += table.num_rows
        self._writers[name].write_table(exported(table, self.kind))

    def file(self, name: str) -> Path:
        """Where a table lies."""
        return self.path / f"{FILE_NAMES[name]}.{self.kind}"

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for writer in self._writers.values():
            writer.close()

    def _open(self, name: str) -> _Writer:
        schema = exported(SCHEMAS[name].empty_table(), self.kind).schema
        opened: Any = (
            pq.ParquetWriter(self.file(name), schema, compression="zstd", compression_level=1)
            if self.kind == "parquet"
            else pyarrow.csv.CSVWriter(self.file(name), schema, write_options=pyarrow.csv.WriteOptions(quoting_style="needed"))
        )
        writer: _Writer = opened
        return writer


def exported(table: pa.Table, kind: Format) -> pa.Table:
    """A table of the comparison as it is imported: China's time without zone, yuan, units; open ends empty; in CSV all of it text."""
    columns = {field.name: _exported(field.name, table[field.name], kind) for field in table.schema}
    return pa.table(columns)


def _exported(name: str, column: pa.ChunkedArray, kind: Format) -> pa.ChunkedArray:
    if name in MOMENTS:
        return _times(column, kind)
    if name in _SCALES:
        column = pa.chunked_array([_decimals(chunk, _SCALES[name]) for chunk in column.chunks], pa.decimal128(18, _SCALES[name]))
        return column.cast(pa.string()) if kind == "csv" else column
    if pa.types.is_boolean(column.type) and kind == "csv":
        return column.cast(pa.int8())
    return column


def _times(column: pa.ChunkedArray, kind: Format) -> pa.ChunkedArray:
    known = pc.if_else(pc.less(column, FOREVER), column, pa.scalar(None, pa.int64()))
    local = pc.add(known, AHEAD).cast(pa.timestamp("us"))
    return pc.strftime(local.cast(pa.timestamp("s")), "%Y-%m-%d %H:%M:%S") if kind == "csv" else local


def _decimals(whole: pa.Array, scale: int) -> pa.Array:
    """Whole hundredths or thousandths as exact decimals, without a computation: the 128 bits are laid out as they are."""
    values = pc.fill_null(whole, 0).to_numpy(zero_copy_only=False)
    bits = np.empty((len(values), 2), np.int64)
    bits[:, 0], bits[:, 1] = values, values >> 63
    valid = None if whole.null_count == 0 else pa.array(np.asarray(pc.is_valid(whole).to_numpy(zero_copy_only=False))).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(18, scale), len(values), [valid, pa.py_buffer(bits)])
