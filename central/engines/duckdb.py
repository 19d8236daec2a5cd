"""DuckDB inside this process: the embedded default."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

_BATCH = 50_000
_NO_NETWORK_NO_FILES: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "temp_directory": "",
}


class DuckDb:
    """A database in memory that fetches no extension and writes no file."""

    dialect = "duckdb"

    def __init__(self) -> None:
        """Begin an empty one."""
        self._connection = duckdb.connect(":memory:", config=_NO_NETWORK_NO_FILES)

    def load(self, name: str, table: pa.Table) -> None:
        """Hand over a table, which is copied."""
        self._connection.register("handed_over", table)
        self.keep(name, "SELECT * FROM handed_over")
        self._connection.unregister("handed_over")

    def keep(self, name: str, sql: str) -> None:
        """Compute a table now under a name."""
        self._connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS {sql}')

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query in batches."""
        yield from self._connection.execute(sql).to_arrow_reader(_BATCH)

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()


@contextmanager
def duckdb_in_memory() -> Iterator[DuckDb]:
    """A DuckDB that is gone afterwards."""
    analysis = DuckDb()
    try:
        yield analysis
    finally:
        analysis.close()
