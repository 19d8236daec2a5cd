"""The database: one metadata for all rooms, engines for SQLite and PostgreSQL, and column types that mean the same on both."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Connection, Engine, MetaData, String, Table, create_engine, event
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON", "secure_delete=ON")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, kept as microseconds since 1970 in UTC: exact, sortable and free of any driver's idea of zones. Naive times are refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """To the database."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        """From the database, always in UTC."""
        return None if value is None else from_micros(value)


class Money(TypeDecorator[Decimal]):
    """Yuan with two decimals, kept as whole fen."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> int | None:  # noqa: ARG002
        """To the database. Raises ValueError for a fraction of a fen."""
        if value is None:
            return None
        fen = value * 100
        if fen != fen.to_integral_value():
            raise ValueError(f"{value} yuan is not a whole number of fen")
        return int(fen)

    def process_result_value(self, value: int | None, dialect: Any) -> Decimal | None:  # noqa: ARG002
        """From the database."""
        return None if value is None else Decimal(value).scaleb(-2)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Hash = String(64)
Name = String(64)


def from_micros(value: int) -> datetime:
    """The moment that `UtcDateTime` stores as this number."""
    return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)


def to_micros(value: datetime) -> int:
    """The number as which `UtcDateTime` stores a moment. Raises ValueError for one without zone."""
    if value.tzinfo is None:
        raise ValueError(f"a time without zone cannot be stored: {value.isoformat()}")
    delta = value.astimezone(UTC) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def utc_now() -> datetime:
    """The wall clock in UTC; handed in wherever time matters, so that tests can hand in another."""
    return datetime.now(UTC)


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///path` or `postgresql+psycopg://...`. Connects on first use."""
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, see below
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first and writes later would fail half-way when another process writes."""
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read; on SQLite they never wait for a writer."""
    return engine.execution_options(read_only=True)


def unmoved(engine: Engine) -> Engine:
    """The same for a long look: the transaction sees one moment from beginning to end, whatever is written meanwhile.

    SQLite's do so anyway; PostgreSQL's else see something newer with each query.
    """
    isolated = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    return reading(engine).execution_options(**isolated)


def scrub(engine: Engine) -> None:
    """Let what was deleted or overwritten go from SQLite's log too, where nobody is reading; PostgreSQL vacuums in its own time.

    Never fails: while others read, a later checkpoint does the same.
    """
    if engine.dialect.name == "sqlite":
        with reading(engine).connect() as db, suppress(OperationalError):
            db.exec_driver_sql("ROLLBACK")  # a checkpoint is made outside of transactions
            db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            db.exec_driver_sql("BEGIN")


def insert_new(db: Connection, table: Table, rows: Iterable[Mapping[str, Any]], key: Iterable[str]) -> None:
    """Insert rows whose natural key is not there yet; leave the others as they are. The caller owns the transaction."""
    values = [dict(row) for row in rows]
    if values:
        insert = postgres_insert if db.dialect.name == "postgresql" else sqlite_insert
        db.execute(insert(table).on_conflict_do_nothing(index_elements=list(key)), values)


def upsert(db: Connection, table: Table, rows: Iterable[Mapping[str, Any]], key: Iterable[str]) -> None:
    """Insert rows, or overwrite the named columns where the natural key is there. Every row names the same columns."""
    values = [dict(row) for row in rows]
    if not values:
        return
    names = list(key)
    insert = postgres_insert if db.dialect.name == "postgresql" else sqlite_insert
    statement = insert(table)
    changed = {column: statement.excluded[column] for column in values[0] if column not in names}
    db.execute(statement.on_conflict_do_update(index_elements=names, set_=changed), values)
