# ruff: noqa: S608 - every name comes from our own tables, every value is a parameter
"""SQL that carries out what `intake` decided, for any table that keeps a dataset: some thousand rows a statement, no object for each cell.

Keys go to the database as one JSON parameter, so that a batch of any size is one statement with one plan.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from sqlalchemy import BigInteger, Connection, Float, Integer, insert, select

from central.db import Money, UtcDateTime, to_micros
from central.feeds.base import Kept
from central.feeds.intake import Held, Key

_ROOM = 64 << 20
_IMPORTS = 7_301_845
_NUMBERS = (BigInteger, Integer, UtcDateTime, Money)


def alone(db: Connection, kept: Kept) -> None:
    """Let no other import write this dataset before the transaction ends: of two that state one key at once each would take it for new, and
    one content would be lost. SQLite has one writer anyway."""
    if _postgres(db):
        db.exec_driver_sql("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_IMPORTS, kept.spec.name))


def held(db: Connection, kept: Kept, keys: Collection[Key]) -> dict[Key, Held]:
    """Which of these rows are here."""
    if not keys:
        return {}
    names = ", ".join(f"t.{name}" for name in kept.spec.key)
    rows = _run(db, f"SELECT {names}, t.row_sha256, t.import_id FROM {_matched(db, kept)}", keys)
    return {row[:-2]: row[-2:] for row in map(tuple, rows)}


def add(db: Connection, kept: Kept, rows: pa.RecordBatch, digests: Sequence[str], import_id: int, now: datetime) -> None:
    """Insert rows that are not here, given with their hashes; PostgreSQL takes them all in one COPY. Columns in which no row says anything
    are not named: half the cost of a row in SQLite is handing over its cells."""
    if not rows.num_rows:
        return
    table = _stored(kept, rows, digests, import_id, now)
    table = table.select([name for name in table.column_names if table[name].null_count < table.num_rows])
    names = ", ".join(table.column_names)
    if not _postgres(db):
        marks = ", ".join("?" * table.num_columns)
        db.exec_driver_sql(f"INSERT INTO {kept.table.name} ({names}) VALUES ({marks})", _tuples(table))
        return
    text = pa.BufferOutputStream()
    pacsv.write_csv(table, text, pacsv.WriteOptions(include_header=False, quoting_style="all_valid"))
    cursor: Any = db.connection.cursor()
    with cursor, cursor.copy(f"COPY {kept.table.name} ({names}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(text.getvalue())


def overwrite(db: Connection, kept: Kept, rows: pa.RecordBatch, digests: Sequence[str], import_id: int, now: datetime) -> None:
    """Let rows that are here say this instead; when a row first came stays as it is."""
    if not rows.num_rows:
        return
    table = _stored(kept, rows, digests, import_id, now)
    table = table.drop_columns([kept.first]) if kept.first else table
    names = [name for name in table.column_names if name not in kept.spec.key]
    mark = "%s" if _postgres(db) else "?"
    said, same = ([f"{name} = {mark}" for name in each] for each in (names, kept.spec.key))
    statement = f"UPDATE {kept.table.name} SET {', '.join(said)} WHERE {' AND '.join(same)}"
    db.exec_driver_sql(statement, _tuples(table.select([*names, *kept.spec.key])))


def with_room(db: Connection) -> None:
    """Let SQLite keep the pages of the indexes at hand while a long file comes in, 64 MiB instead of 2, and copy them from its log to their
    place only when that has as much: each part of the file changes the same pages again. For this connection."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql(f"PRAGMA cache_size = -{_ROOM // 1024}")
        db.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {_ROOM // 4096}")


def confirm(db: Connection, kept: Kept, keys: Collection[Key], import_id: int) -> None:
    """Note that this import states these rows as they are, where no later one did: what a complete file need not withdraw hangs on it."""
    if keys:
        number, table = int(import_id), kept.table.name
        newer = f"{table}.import_id < {number} AND {_same(db, kept, table)}"
        _run(db, f"UPDATE {table} SET import_id = {number} FROM {_listed(db)} AS j WHERE {newer}", keys)


def remove(db: Connection, kept: Kept, keys: Collection[Key]) -> None:
    """Remove rows."""
    if keys:
        names = ", ".join(kept.spec.key)
        _run(db, f"DELETE FROM {kept.table.name} WHERE ({names}) IN (SELECT {', '.join(_parts(db, kept))} FROM {_listed(db)} AS j)", keys)


def keep_versions(db: Connection, kept: Kept, why: Mapping[Key, str], *, import_id: int, now: datetime) -> None:
    """Copy what these rows say now to the older versions, before it is overwritten or removed."""
    if not why:
        return
    names = [*kept.names, "row_sha256", "import_id"]
    found = _run(db, f"SELECT {', '.join(f't.{name}' for name in names)} FROM {_matched(db, kept)}", why)
    rows = [_version(kept, dict(zip(names, row, strict=True)), why, import_id, now) for row in found]
    if rows:
        db.execute(insert(kept.versions), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Rows in a period of the spec's moment (microseconds; the end is excluded), of these sites or, with none, of all."""

    since: int
    until: int
    sites: tuple[str, ...] = ()


def inside(kept: Kept, scope: Scope | None, rows: pa.RecordBatch) -> list[bool]:
    """Which of these rows the scope means."""
    if scope is None or kept.spec.moment is None:
        return [False] * rows.num_rows
    moment = rows[kept.spec.moment]
    meant = pc.and_(pc.greater_equal(moment, scope.since), pc.less(moment, scope.until))
    if scope.sites:
        meant = pc.and_(meant, pc.is_in(rows["fixmedins_code"], pa.array(scope.sites)))
    return meant.fill_null(False).to_pylist()  # type: ignore[no-any-return]


def count(db: Connection, kept: Kept, scope: Scope, before: int | None = None) -> int:
    """How many rows there are; with `before` those that no import from this one on has stated, for a later one may have named them too."""
    found = db.exec_driver_sql(f"SELECT count(*) FROM {kept.table.name} WHERE {_within(db, kept, scope, before)}", _sites(scope))
    return int(found.scalar_one())


def absent(db: Connection, kept: Kept, scope: Scope, before: int | None = None, most: int | None = None) -> Iterator[list[Key]]:
    """Their keys, some thousand at a time, `most` in all; read as they are asked for."""
    limit = "" if most is None else f" LIMIT {int(most)}"
    statement = f"SELECT {', '.join(kept.spec.key)} FROM {kept.table.name} WHERE {_within(db, kept, scope, before)}{limit}"
    found = db.execution_options(stream_results=True).exec_driver_sql(statement, _sites(scope))
    for rows in found.partitions(5000):
        yield [tuple(row) for row in rows]


def _within(db: Connection, kept: Kept, scope: Scope, before: int | None) -> str:
    moment = kept.spec.moment
    where = f"{moment} >= {int(scope.since)} AND {moment} < {int(scope.until)}"
    if before is not None:
        where += f" AND import_id < {int(before)}"
    if scope.sites:
        values = "json_array_elements_text(CAST(%s AS json))" if _postgres(db) else "json_each(?)"
        where += f" AND fixmedins_code IN (SELECT value FROM {values})"
    return where


def _sites(scope: Scope) -> tuple[str, ...]:
    return (json.dumps(scope.sites),) if scope.sites else ()


def plain_json(kept: Kept, row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored row in the words of the dataset: moments as ISO 8601 in UTC, amounts as text."""
    kinds = {column.name: column.kind for column in kept.spec.columns}
    return {name: None if row[name] is None else kinds[name].plain(row[name]) for name in kept.names}


def _version(kept: Kept, row: Mapping[str, Any], why: Mapping[Key, str], import_id: int, now: datetime) -> dict[str, Any]:
    key = tuple(row[name] for name in kept.spec.key)
    common = {"row_sha256": row["row_sha256"], "row": plain_json(kept, row), "import_id": row["import_id"], "replaced_at": now}
    named = {"dataset": kept.spec.name, "key": joined(key)} if "dataset" in kept.versions.c else dict(zip(kept.spec.key, key, strict=True))
    return {**common, **named, "replaced_by": import_id, "why": why[key]}


def overtaken(db: Connection, kept: Kept, import_id: int) -> int | None:
    """An earlier import that put something else in the place of what this one, or a later one, had stated."""
    table = kept.versions.c
    query = select(table.replaced_by).where(table.import_id >= import_id, table.replaced_by < import_id)
    return db.scalar((query.where(table.dataset == kept.spec.name) if "dataset" in table else query).limit(1))


def joined(key: Key) -> str:
    """A key as one text."""
    return json.dumps(key, ensure_ascii=False, separators=(",", ":"))


def _stored(kept: Kept, rows: pa.RecordBatch, digests: Sequence[str], import_id: int, now: datetime) -> pa.Table:
    """Rows as they are kept: an empty key column as "", with hash, import and, if that is kept, when they came."""
    columns: dict[str, Any] = {name: rows[name].fill_null("") if _is_open(kept, rows, name) else rows[name] for name in kept.names}
    columns |= {"row_sha256": pa.array(digests, pa.string()), "import_id": pa.repeat(import_id, rows.num_rows)}
    return pa.table(columns | ({kept.first: pa.repeat(to_micros(now), rows.num_rows)} if kept.first else {}))


def _is_open(kept: Kept, rows: pa.RecordBatch, name: str) -> bool:
    return name in kept.spec.key and rows[name].null_count > 0


def _tuples(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _matched(db: Connection, kept: Kept) -> str:
    """The table beside the listed keys; in SQLite CROSS JOIN keeps the order, so that the key's index is used."""
    if _postgres(db):
        return f"{_listed(db)} AS j JOIN {kept.table.name} AS t ON {_same(db, kept, 't')}"
    return f"{_listed(db)} AS j CROSS JOIN {kept.table.name} AS t ON {_same(db, kept, 't')}"


def _listed(db: Connection) -> str:
    return "json_array_elements(CAST(%s AS json))" if _postgres(db) else "json_each(?)"


def _same(db: Connection, kept: Kept, table: str) -> str:
    return " AND ".join(f"{table}.{name} = {part}" for name, part in zip(kept.spec.key, _parts(db, kept), strict=True))


def _parts(db: Connection, kept: Kept) -> list[str]:
    """The listed keys' columns, in the types of the table's."""
    if not _postgres(db):
        return [f"json_extract(j.value, '$[{place}]')" for place in range(len(kept.spec.key))]
    return [f"(j.value->>{place}){_cast(kept.table.c[name].type)}" for place, name in enumerate(kept.spec.key)]


def _cast(kind: Any) -> str:
    return "::bigint" if isinstance(kind, _NUMBERS) else "::float8" if isinstance(kind, Float) else ""


def _run(db: Connection, statement: str, keys: Collection[Key]) -> Sequence[Any]:
    """The rows of a query about listed keys; of a statement that changes something, none."""
    found = db.exec_driver_sql(statement, (json.dumps(list(keys), ensure_ascii=False),))
    return found.fetchall() if found.returns_rows else ()


def _postgres(db: Connection) -> bool:
    return db.dialect.name == "postgresql"
