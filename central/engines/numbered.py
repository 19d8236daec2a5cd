"""DuckDB that compares numbers where others compare identifiers: less than half the time, and less memory.

Most of a comparison is joining and sorting by identifiers of twenty characters and more. Each gets a number of four bytes, once, when all
tables are there; the numbers of a kind are in the order of its texts, so whatever came first still comes first. What is answered is texts
again.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from central.engines.base import Rows
from central.engines.duckdb import DuckDb
from central.inputs import IDENTIFIERS, Kind

_NUMBER = pa.uint32()
_LONG = ("settlements", "captures", "coverage", "details")
"""Tables whose other texts are worth a list of their own."""
_MOST_CODES = 60_000
"""Of more the place in the list would need four bytes, and DuckDB hands the whole list on with each batch."""
_AT_ONCE = 5000
_TEXT_OF = "CREATE MACRO text_of(wanted) AS (SELECT text FROM texts WHERE number = wanted)"


class Numbered:
    """A DuckDB whose tables hold numbers in place of the identifiers of `central.inputs`, from `settle` on. No identifier is number 0."""

    dialect = "duckdb"
    numbered = True

    def __init__(self, inside: DuckDb) -> None:
        """Use a DuckDB that is empty."""
        self._inside = inside
        self._waiting: dict[str, list[str]] = {}  # columns of text by table
        self._settled = False

    def load(self, name: str, rows: Rows) -> None:
        """Hand over a table. After `settle` an identifier that no table had then is null in it."""
        self._inside.load(_as_loaded(name), rows)
        self._waiting[name] = [field.name for field in rows.schema if field.type == pa.string()]
        if self._settled:
            self._lay_out(name)

    def settle(self) -> None:
        """Number the identifiers of all tables that were loaded."""
        self._settled = True
        self._inside.do("CREATE TABLE texts (kind VARCHAR, number UINTEGER, text VARCHAR)")
        self._inside.do(_TEXT_OF)
        for kind in Kind:
            self._number(kind)
        codes = {name: self._codes(name) for name in _LONG}
        for name in list(self._waiting):
            self._lay_out(name, codes.get(name, ()))

    def keep(self, name: str, sql: str) -> None:
        """Compute a table now under a name; what it has of identifiers are numbers."""
        self._inside.keep(name, sql)

    def show(self, name: str, sql: str) -> None:
        """Let a name stand for what another keeps, picked whenever it is asked."""
        self._inside.do(f'CREATE OR REPLACE TEMP VIEW "{name}" AS {sql}')

    def forget(self, name: str) -> None:
        """Let go of a table that was kept."""
        self._inside.forget(name)

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query in batches, with the texts of all numbers in it."""
        for batch in self._inside.rows(sql):
            yield self._told(batch)

    def _number(self, kind: Kind) -> None:
        parts = [
            f'SELECT "{column}" AS text FROM "{_as_loaded(name)}" WHERE "{column}" IS NOT NULL'  # noqa: S608 - ours
            for name, columns in self._waiting.items()
            for column in columns
            if IDENTIFIERS.get(column) is kind
        ]
        if parts:
            self._inside.do(
                f"INSERT INTO texts SELECT '{kind}', ROW_NUMBER() OVER (ORDER BY text) + (SELECT COUNT(*) FROM texts), text "  # noqa: S608
                f"FROM ({' UNION '.join(parts)})"
            )

    def _codes(self, name: str) -> list[str]:
        """The other texts of a table that are few: each becomes a place in a list of them, of one byte or two."""
        few: list[str] = []
        for column in (column for column in self._waiting.get(name, ()) if column not in IDENTIFIERS):
            values = f'SELECT DISTINCT "{column}" AS text FROM "{_as_loaded(name)}" WHERE "{column}" IS NOT NULL LIMIT {_MOST_CODES + 1}'  # noqa: S608
            found = sorted(text for batch in self._inside.rows(values) for text in batch["text"].to_pylist())
            if 0 < len(found) <= _MOST_CODES:
                self._inside.load("codes", pa.table({"text": found}))
                self._inside.do(f'CREATE TYPE "{name} {column}" AS ENUM (SELECT text FROM codes ORDER BY text)')  # noqa: S608
                self._inside.forget("codes")
                few.append(column)
        return few

    def _lay_out(self, name: str, codes: Sequence[str] = ()) -> None:
        columns = [column for column in self._waiting.pop(name) if column in IDENTIFIERS]
        tables = [f't{place}.number AS "{column}"' for place, column in enumerate(columns)]
        tables += [f'CAST(loaded."{column}" AS "{name} {column}") AS "{column}"' for column in codes]
        joins = [
            f"LEFT JOIN (SELECT number, text FROM texts WHERE kind = '{IDENTIFIERS[column]}') AS t{place} "  # noqa: S608
            f'ON t{place}.text = loaded."{column}"'
            for place, column in enumerate(columns)
        ]
        replaced = f"REPLACE ({', '.join(tables)})" if tables else ""
        with self._inside.choosing_sides():
            self._inside.store(name, f'SELECT loaded.* {replaced} FROM "{_as_loaded(name)}" AS loaded {" ".join(joins)}')  # noqa: S608
        self._inside.do(f'DROP TABLE "{_as_loaded(name)}"')

    def _told(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        for place, field in enumerate(batch.schema):
            if pa.types.is_dictionary(field.type):
                batch = batch.set_column(place, field.name, batch[place].cast(pa.string()))
        columns = {field.name: batch[field.name] for field in batch.schema if _numbers(field.type)}
        if not columns:
            return batch
        flat = [column.flatten() if pa.types.is_list(column.type) else column for column in columns.values()]
        texts = self._texts_of(pc.unique(pa.concat_arrays(flat)).drop_null().to_pylist())
        for name, column in columns.items():
            batch = batch.set_column(batch.schema.get_field_index(name), name, _in_words(column, texts))
        return batch

    def _texts_of(self, numbers: list[int]) -> pa.Table:
        """Looked for by a written list: then DuckDB decodes no text but of rows around these."""
        parts = [numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE)]
        queries = [f"SELECT number, text FROM texts WHERE number IN ({', '.join(map(str, part))})" for part in parts or [[0]]]  # noqa: S608
        return pa.concat_tables(self._inside.beside(query) for query in queries)


def _as_loaded(name: str) -> str:
    return f"{name} as loaded"


def _numbers(kind: pa.DataType) -> bool:
    return bool(kind == _NUMBER or (pa.types.is_list(kind) and kind.value_type == _NUMBER))


def _in_words(column: pa.Array, texts: pa.Table) -> pa.Array:
    if not pa.types.is_list(column.type):
        return texts["text"].combine_chunks().take(pc.index_in(column, texts["number"]))
    return pa.ListArray.from_arrays(column.offsets, _in_words(column.values, texts), mask=column.is_null())
