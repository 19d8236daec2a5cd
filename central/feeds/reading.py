"""Batches of typed rows from a file. A column at once where nothing is wrong, row by row with words for what is."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from central.errors import BadInput
from central.feeds import columnar
from central.feeds.files import JSON, PARQUET, PUSHED, Source
from central.feeds.json_lines import read_json
from central.feeds.lines import Texts, read_text
from central.feeds.model import Batch, Column, Fault, Spec, read_row, shown

_ROWS = 32_768
_LONGEST_NUMBER = 64
Cells = Mapping[str, str]
Odd = list[tuple[int, Cells]]


def read(source: Source, spec: Spec, after: int | None = None) -> Iterator[Batch]:
    """The rows of a file, from line `after` on (of Parquet: from row, counted from 1). Memory does not grow with the file.

    Raises BadInput for a Parquet column of a type that it cannot be.
    """
    if source.encoding == PARQUET:
        yield from _read_parquet(source, spec, after or 1)
        return
    for texts in read_json(source, spec, after or 1) if source.encoding == JSON else read_text(source, after or 2):
        yield _of_texts(texts, spec)


def _of_texts(texts: Texts, spec: Spec) -> Batch:
    cells = {name: columnar.trimmed(column) for name, column in texts.columns.items()}
    values, sure = [], np.ones(len(texts.lines), bool)
    for column in spec.columns:
        array, fits = _of_cells(column, cells.get(column.name), len(texts.lines))
        values.append(array)
        sure &= fits
    doubtful = np.flatnonzero(~sure)
    doubted: Odd = [(int(texts.lines[place]), {name: texts.columns[name][int(place)].as_py() for name in cells}) for place in doubtful]
    table = pa.RecordBatch.from_arrays(values, schema=spec.schema)
    return _joined(spec, texts.lines, table, sure, texts.odd + doubted, texts.faults, after=texts.after)


def _of_cells(column: Column, cells: pa.StringArray | None, rows: int) -> tuple[pa.Array, NDArray[np.bool_]]:
    if cells is None:
        return _absent(column, pa.nulls(rows, column.kind.arrow)), np.ones(rows, bool)
    values, sure = column.kind.of_cells(cells)
    if column.required:
        sure = sure & ~columnar.empty(cells)
    return _absent(column, values), sure


def _absent(column: Column, values: pa.Array) -> pa.Array:
    return values if column.absent is None or not values.null_count else values.fill_null(column.absent)


def _read_parquet(source: Source, spec: Spec, after: int) -> Iterator[Batch]:
    first, here = 1, list(_given(source, spec))
    try:
        with pq.ParquetFile(source.path, read_dictionary=_once(source, here)) as file:
            for batch in file.iter_batches(batch_size=_ROWS, columns=here, use_threads=False):
                skipped = max(0, min(after - first, batch.num_rows))
                if skipped < batch.num_rows:
                    yield _of_typed(source, spec, batch.slice(skipped), first + skipped)
                first += batch.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"{source.name}: the Parquet file is damaged near row {first}: {shown(str(error))}") from None


def _given(source: Source, spec: Spec) -> dict[str, Column]:
    """Columns of the file by the names that they have there."""
    names = pq.read_schema(source.path).names
    known = spec.names()
    return {name: known[name] for name in names if name in known}


def _once(source: Source, names: Sequence[str]) -> list[str]:
    """Columns of text that are read as a list of different texts and places in it, each cut before it is repeated. In small files only:
    it takes time."""
    schema = pq.read_schema(source.path)
    return [name for name in names if source.size <= PUSHED and _is_text(schema.field(name).type)]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _repeated(column: Column, array: pa.Array) -> pa.Array:
    """What a list of different values and places in it stand for; of text no more than is needed to see that it is too long."""
    if not pa.types.is_dictionary(array.type):
        return array
    values = array.dictionary
    if _is_text(values.type):
        most = max(column.kind.longest, _LONGEST_NUMBER) + 1
        values = pc.utf8_slice_codeunits(columnar.trimmed(values.cast(pa.string())), 0, most)
    return values.take(array.indices)


def _of_typed(source: Source, spec: Spec, batch: pa.RecordBatch, first: int) -> Batch:
    known = spec.names()
    given = {known[name].name: (known[name], _repeated(known[name], batch[name])) for name in batch.schema.names}
    values, sure = [], np.ones(batch.num_rows, bool)
    for column in spec.columns:
        if column.name not in given:
            values.append(_absent(column, pa.nulls(batch.num_rows, column.kind.arrow)))
            continue
        array, fits = _of_column(source, column, given[column.name][1])
        values.append(array)
        sure &= fits
    lines = np.arange(first, first + batch.num_rows, dtype=np.int64)
    odd: Odd = [(int(lines[place]), _row_text(given, int(place))) for place in np.flatnonzero(~sure)]
    table = pa.RecordBatch.from_arrays(values, schema=spec.schema)
    return _joined(spec, lines, table, sure, odd, [], after=first + batch.num_rows)


def _of_column(source: Source, column: Column, array: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    if pa.types.is_null(array.type):
        return _of_cells(column, pa.array([""] * len(array)), len(array))
    if _is_text(array.type):
        return _of_cells(column, columnar.trimmed(array.cast(pa.string()).fill_null("")), len(array))
    typed = column.kind.of_typed(array)
    if typed is None:
        raise BadInput(f"{source.name}: column {column.name} has the type {array.type}; expected is {column.kind.typed}")
    values, sure = typed
    if column.required:
        sure = sure & array.is_valid().to_numpy(zero_copy_only=False)
    return _absent(column, values), sure


def _row_text(given: Mapping[str, tuple[Column, pa.Array]], place: int) -> Cells:
    """A typed row as the text that a file would have: what is wrong with it is then told in the same words."""
    values = {name: (column, _plain(array[place])) for name, (column, array) in given.items()}
    return {
        name: value if isinstance(value, str) else "" if value is None else column.kind.text_of(value)
        for name, (column, value) in values.items()
    }


def _plain(cell: pa.Scalar) -> Any:
    """A typed cell; a time that no calendar here reaches as the number that it is kept as."""
    try:
        return cell.as_py()
    except (OverflowError, ValueError):
        return str(cell.value)


def _joined(
    spec: Spec,
    lines: NDArray[np.int64],
    table: pa.RecordBatch,
    sure: NDArray[np.bool_],
    odd: Odd,
    faults: Sequence[Fault],
    *,
    after: int,
) -> Batch:
    """All rows in the order of the file: what was sure, and what reads well one by one; then what rows may not say is looked for."""
    read_as = [(line, row, read_row(line, row, spec.columns)) for line, row in odd]
    refused = [*faults, *(fault for _, _, result in read_as if isinstance(result, list) for fault in result)]
    good = [(line, result) for line, _, result in read_as if isinstance(result, dict)]
    if not sure.all():
        table, lines = table.filter(pa.array(sure)), lines[sure]
    if good:
        table, lines = _merged(spec, table, lines, good)
    told, wrong = _contradictions(spec, table, lines)
    read = len(lines) + len({fault.line for fault in refused})
    if told:
        table, lines = table.filter(pa.array(~wrong)), lines[~wrong]
    return Batch(lines=lines, rows=table, faults=tuple(sorted([*refused, *told], key=lambda fault: fault.line)), read=read, after=after)


def _merged(
    spec: Spec, table: pa.RecordBatch, lines: NDArray[np.int64], good: Sequence[tuple[int, dict[str, Any]]]
) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
    more = pa.RecordBatch.from_pylist([values for _, values in good], schema=spec.schema)
    every = np.concatenate([lines, np.array([line for line, _ in good], np.int64)])
    order = np.argsort(every, kind="stable")
    return pa.concat_batches([table, more]).take(pa.array(order)), every[order]


def _contradictions(spec: Spec, table: pa.RecordBatch, lines: NDArray[np.int64]) -> tuple[list[Fault], NDArray[np.bool_]]:
    """What rows say that cannot be; what else a row says that only takes back does not matter."""
    told: list[Fault] = []
    wrong = np.zeros(table.num_rows, bool)
    says = np.ones(table.num_rows, bool) if spec.valid is None else columnar.filled(table[spec.valid].cast(pa.bool_()))
    for check in spec.checks:
        found = check.wrong(table) & says
        kind = next(column.kind for column in spec.columns if column.name == check.column)
        for place in np.flatnonzero(found):
            value = shown(kind.written(table[check.column][int(place)].as_py()))
            told.append(Fault(line=int(lines[place]), column=check.column, value=value, message=check.message))
        wrong |= found
    return told, wrong
