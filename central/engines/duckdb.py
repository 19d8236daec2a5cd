"""DuckDB inside this process: the embedded default."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import duckdb
import pyarrow as pa

from central.engines.base import EngineDied, Rows

_BATCH = 50_000
_Settings: TypeAlias = dict[str, str | bool | int | float | list[str]]
_NO_NETWORK: _Settings = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
_NO_FILES: _Settings = {"temp_directory": ""}


class DuckDb:
    """A database of its own in memory that fetches no extension; without `folder` it writes no file."""

    dialect = "duckdb"

    def __init__(self, *, folder: Path | None = None, memory_mb: int | None = None, threads: int | None = None) -> None:
        """Begin an empty one. What memory does not hold goes to files inside the folder. Without limits DuckDB's own hold."""
        config = dict(_NO_NETWORK)
        config.update(_NO_FILES if folder is None else {"temp_directory": str(folder), "preserve_insertion_order": False})
        config.update({} if memory_mb is None else {"memory_limit": f"{memory_mb}MB"})
        config.update({} if threads is None else {"threads": threads})
        self._connection = duckdb.connect(":memory:", config=config)

    def load(self, name: str, rows: Rows) -> None:
        """Hand over a table, which is copied."""
        self._connection.register("handed_over", rows)
        self.keep(name, "SELECT * FROM handed_over")
        self._connection.unregister("handed_over")

    def keep(self, name: str, sql: str) -> None:
        """Compute a table now under a name."""
        with _watched():
            self._connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS {sql}')

    def do(self, sql: str) -> None:
        """Carry out a statement that answers nothing: rename, delete, insert, define a view."""
        with _watched():
            self._connection.execute(sql)

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query in batches."""
        with _watched():
            yield from self._connection.execute(sql).to_arrow_reader(_BATCH)

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()


@contextmanager
def duckdb_in_memory() -> Iterator[DuckDb]:
    """A DuckDB that is gone afterwards and writes no file."""
    analysis = DuckDb()
    try:
        yield analysis
    finally:
        analysis.close()


@contextmanager
def duckdb_with_room(*, memory_mb: int, threads: int, folder: Path | None = None) -> Iterator[DuckDb]:
    """A DuckDB for more than memory holds: the rest lies in a folder of its own inside `folder` (else: the system's), gone afterwards."""
    with TemporaryDirectory(prefix="central-", dir=folder) as own:
        analysis = DuckDb(folder=Path(own), memory_mb=memory_mb, threads=threads)
        try:
            yield analysis
        finally:
            analysis.close()


@contextmanager
def _watched() -> Iterator[None]:
    """After a fatal error DuckDB answers nothing any more; a query that was refused is no such."""
    try:
        yield
    except (duckdb.FatalException, duckdb.ConnectionException) as error:
        raise EngineDied(f"engine duckdb went away: {error}") from error
