"""DuckDB inside this process: the embedded default."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa

from central.engines.base import Analysis, EngineDied, EngineFull, Rows
from central.engines.own_folder import own_folder

_BATCH = 50_000
_Settings: TypeAlias = dict[str, str | bool | int | float | list[str]]
_NO_NETWORK: _Settings = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
_NO_FILES: _Settings = {"temp_directory": ""}
_AS_WRITTEN: _Settings = {"disabled_optimizers": "build_side_probe_side"}
"""Expressions put what is small on the right of a join. DuckDB takes each condition to leave a fifth of the rows, so after three of them it
would hash a million settlements rather than the hundred beside them."""


class DuckDb(Analysis):
    """A database of its own that fetches no extension; without `folder` it writes no file."""

    dialect = "duckdb"

    def __init__(
        self, *, folder: Path | None = None, memory_mb: int | None = None, threads: int | None = None, large: bool = False
    ) -> None:
        """Begin an empty one. What memory does not hold goes to files inside the folder. Without limits DuckDB's own hold.

        `large`: what is loaded lies compressed in a file in the folder, which costs time where memory would hold it, and saves much where
        it would not. What is computed is read soon: it stays in memory as long as that holds it.
        """
        config = _NO_NETWORK | _AS_WRITTEN
        config.update(_NO_FILES if folder is None else {"temp_directory": str(folder), "preserve_insertion_order": False})
        config.update({} if memory_mb is None else {"memory_limit": f"{memory_mb}MB"})
        config.update({} if threads is None else {"threads": threads})
        where = ":memory:" if folder is None or not large else str(folder / "tables.duckdb")
        self._connection = duckdb.connect(where, config=config)
        self._computed = "TABLE" if where == ":memory:" else "TEMP TABLE"

    def load(self, name: str, rows: Rows) -> None:
        """Hand over a table, which is copied."""
        with _watched():
            self._connection.register("handed_over", rows)
        self.store(name, "SELECT * FROM handed_over")
        with _watched():
            self._connection.unregister("handed_over")

    def store(self, name: str, sql: str) -> None:
        """Compute a table to lie where loaded ones lie."""
        self.do(f'CREATE OR REPLACE TABLE "{name}" AS {sql}')

    def keep(self, name: str, sql: str) -> None:
        """Compute a table now under a name."""
        self.do(f'CREATE OR REPLACE {self._computed} "{name}" AS {sql}')

    def do(self, sql: str) -> None:
        """Carry out a statement that answers nothing: rename, delete, insert, define a view."""
        with _watched():
            self._connection.execute(sql)

    def forget(self, name: str) -> None:
        """Let go of a table that was kept."""
        self.do(f'DROP TABLE "{name}"')

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query in batches."""
        with _watched():
            yield from self._connection.execute(sql).to_arrow_reader(_BATCH)

    def beside(self, sql: str) -> pa.Table:
        """The rows of a query, all of them, while an answer of `rows` is still being read."""
        with _watched(), self._connection.cursor() as cursor:
            return cursor.execute(sql).to_arrow_table()

    def choose_sides(self) -> None:
        """From now on DuckDB chooses itself which side of a join it holds in memory."""
        self.do("SET disabled_optimizers = ''")

    @contextmanager
    def choosing_sides(self) -> Iterator[None]:
        """Meanwhile it does."""
        self.choose_sides()
        try:
            yield
        finally:
            self.do(f"SET disabled_optimizers = '{_AS_WRITTEN['disabled_optimizers']}'")

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
def duckdb_with_room(*, memory_mb: int, threads: int, folder: Path | None = None, large: bool = False) -> Iterator[DuckDb]:
    """A DuckDB for more than memory holds: the rest lies in a folder of its own inside `folder` (else: the system's), gone afterwards."""
    with own_folder(folder) as own:
        analysis = DuckDb(folder=own, memory_mb=memory_mb, threads=threads, large=large)
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
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        said = str(error).splitlines()[0]
        raise EngineFull(f"engine duckdb has no room: {said}; give it more --memory-mb, or a --work-dir on a disk with room") from error
