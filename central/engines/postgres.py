"""PostgreSQL: tables of one session, in a database that is there or in a server of our own."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_postgresql import dbapi
from sqlalchemy import make_url

from central.engines.base import Analysis, EngineDied, Rows
from central.errors import Misconfigured

_OF_THE_SESSION = (
    "SET jit = off",  # compiling took longer than what it saved, for every rule
    "SET work_mem = '256MB'",
    "SET temp_buffers = '256MB'",
    "SET enable_nestloop = off",  # what is expected of a WITH is a guess, and a wrong one made an hour of a second
    "SET timezone = 'UTC'",
    "SET client_min_messages = error",
    "SET max_parallel_workers_per_gather = 0",  # no worker sees a session's own tables
)
_TYPES = {pa.string(): 'text COLLATE "C"', pa.int64(): "bigint", pa.float64(): "double precision", pa.bool_(): "boolean"}
"""Text is compared by its bytes, as the other engines do it."""


class Postgres(Analysis):
    """Temporary tables of one connection: nobody else sees them, and they are gone with it, however it ends."""

    dialect = "postgres"

    def __init__(self, connection: dbapi.Connection) -> None:
        """Use a connection that nobody else uses."""
        self._connection = connection
        for line in _OF_THE_SESSION:
            self._run(line)

    def load(self, name: str, rows: Rows) -> None:
        """Hand over a table, by COPY."""
        columns = ", ".join(f'"{field.name}" {_TYPES[field.type]}' for field in rows.schema)
        self._replace(name, f"({columns})")
        with self._watched(), self._connection.cursor() as cursor:
            cursor.adbc_ingest(name, rows, mode="append", temporary=True)
        self._run(f'ANALYZE "{name}"')

    def keep(self, name: str, sql: str) -> None:
        """Compute a table now under a name."""
        self._replace(name, f"AS {sql}")
        self._run(f'ANALYZE "{name}"')

    def forget(self, name: str) -> None:
        """Let go of a table that was kept."""
        self._run(f'DROP TABLE pg_temp."{name}"')

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query in batches. Nothing else can be asked until all were taken."""
        with self._watched(), self._connection.cursor() as cursor:
            cursor.execute(sql)
            yield from cursor.fetch_record_batch()

    def _replace(self, name: str, what: str) -> None:
        self._run(f'CREATE TEMPORARY TABLE "{name} (new)" {what}')
        self._run(f'DROP TABLE IF EXISTS pg_temp."{name}"')
        self._run(f'ALTER TABLE pg_temp."{name} (new)" RENAME TO "{name}"')

    def _run(self, sql: str) -> None:
        with self._watched(), self._connection.cursor() as cursor:
            cursor.execute(sql)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except adbc.Error as error:
            if self._alive():
                raise
            raise EngineDied(f"engine postgres went away: {error}") from error

    def _alive(self) -> bool:
        with suppress(adbc.Error), self._connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchall())
        return False


@contextmanager
def postgres(url: str) -> Iterator[Postgres]:
    """A session of its own at a server. Needs the right to make temporary tables there, and changes nothing else.

    Raises Misconfigured if the server cannot be reached.
    """
    address = make_url(url)
    try:
        connection = dbapi.connect(address.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True)
    except adbc.Error as error:
        raise Misconfigured(f"PostgreSQL at {address.render_as_string()} cannot be used: {error}") from None
    try:
        yield Postgres(connection)
    finally:
        with suppress(adbc.Error):
            connection.close()
