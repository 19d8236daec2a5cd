"""From SQL rows to Arrow tables, by column and in slices, for the analysis engine."""

from typing import Any

import pyarrow as pa
from sqlalchemy import BigInteger, Connection, Select, type_coerce

from central.db import Money, UtcDateTime

_SLICE = 50_000
MOMENT = pa.timestamp("us", tz="UTC")


def read_table(db: Connection, query: Select[Any]) -> pa.Table:
    """The rows of a query as an Arrow table: moments as timestamp[us, UTC], money as whole fen (int64), the rest by its SQL type.

    Columns keep their labels. Never holds more than one slice of Python objects.
    """
    columns = list(query.selected_columns)
    schema = pa.schema([pa.field(column.key, _arrow_type(column.type)) for column in columns])
    plain = query.with_only_columns(*(_plain(column) for column in columns), maintain_column_froms=True)
    result = db.execute(plain.execution_options(stream_results=True))
    slices = [_record_batch(rows, schema) for rows in result.partitions(_SLICE)]
    return pa.Table.from_batches(slices, schema)


def _record_batch(rows: Any, schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)], schema=schema
    )


def _plain(column: Any) -> Any:
    """Moments and money as the integers that are stored, so that no Python object is made for each."""
    return type_coerce(column, BigInteger).label(column.key) if isinstance(column.type, UtcDateTime | Money) else column


def _arrow_type(sql_type: Any) -> pa.DataType:
    if isinstance(sql_type, UtcDateTime):
        return MOMENT
    if isinstance(sql_type, Money):
        return pa.int64()
    by_python = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    return by_python[sql_type.python_type]
