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
from sqlalchemy import BigInteger, Connection, Float, Integer, insert

from central.db import Money, UtcDateTime, to_micros
from central.feeds.base import Kept
from central.feeds.intake import Held, Key

_NUMBERS = (BigInteger, Integer, UtcDateTime, Money)


def held(db: Connection, kept: Kept, keys: Collection[Key], *, lock: bool = True) -> dict[Key, Held]:
    """Which of these rows are here. On PostgreSQL they stay locked until the caller's transaction ends, if asked to."""
    if not keys:
        return {}
    names = ", ".join(f"t.{name}" for name in kept.spec.key)
    end = " FOR UPDATE OF t" if lock and _postgres(db) else ""
    rows = _run(db, f"SELECT {names}, t.row_sha256, t.import_id FROM {_matched(db, kept)}{end}", keys)
    return {tuple(row[:-2]): Held(row[-2], row[-1]) for row in rows}


def put(db: Connection, kept: Kept, rows: pa.RecordBatch, digests: Sequence[str], import_id: int, now: datetime) -> None:
    """Insert or overwrite rows, given with their hashes; when a row first came stays as it is."""
    if not rows.num_rows:
        return
    same: dict[str, Any] = {"import_id": import_id} | ({kept.first: to_micros(now)} if kept.first else {})
    names = [*kept.names, "row_sha256", *same]
    columns = [*(_cells(kept, rows, name) for name in kept.names), digests]
    changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in {*kept.spec.key, kept.first})
    mark = "%s" if _postgres(db) else "?"
    statement = (
        f"INSERT INTO {kept.table.name} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))}) "
        f"ON CONFLICT ({', '.join(kept.spec.key)}) DO UPDATE SET {changed}"
    )
    db.exec_driver_sql(statement, [(*row, *same.values()) for row in zip(*columns, strict=True)])


def with_room(db: Connection) -> None:
    """Let SQLite keep the pages of the indexes at hand while a long file comes in: 64 MiB instead of 2, for this connection."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("PRAGMA cache_size = -65536")


def confirm(db: Connection, kept: Kept, keys: Collection[Key], import_id: int) -> None:
    """Note that this import states these rows as they are."""
    if keys:
        statement = (
            f"UPDATE {kept.table.name} SET import_id = {int(import_id)} FROM {_listed(db)} AS j WHERE {_same(db, kept, kept.table.name)}"
        )
        _run(db, statement, keys)


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


def count(db: Connection, kept: Kept, scope: Scope, not_of: int = 0) -> int:
    """How many rows there are that another import than `not_of` stated last."""
    found = db.exec_driver_sql(f"SELECT count(*) FROM {kept.table.name} WHERE {_within(db, kept, scope, not_of)}", _sites(scope))
    return int(found.scalar_one())


def absent(db: Connection, kept: Kept, scope: Scope, not_of: int = 0, most: int | None = None) -> Iterator[list[Key]]:
    """Their keys, some thousand at a time, `most` in all; read as they are asked for."""
    limit = "" if most is None else f" LIMIT {int(most)}"
    statement = f"SELECT {', '.join(kept.spec.key)} FROM {kept.table.name} WHERE {_within(db, kept, scope, not_of)}{limit}"
    found = db.execution_options(stream_results=True).exec_driver_sql(statement, _sites(scope))
    for rows in found.partitions(5000):
        yield [tuple(row) for row in rows]


def _within(db: Connection, kept: Kept, scope: Scope, not_of: int) -> str:
    moment = kept.spec.moment
    where = f"{moment} >= {int(scope.since)} AND {moment} < {int(scope.until)} AND import_id <> {int(not_of)}"
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


def joined(key: Key) -> str:
    """A key as one text."""
    return json.dumps(key, ensure_ascii=False, separators=(",", ":"))


def _cells(kept: Kept, rows: pa.RecordBatch, name: str) -> list[Any]:
    column = rows[name]
    if name in kept.spec.key and column.null_count:
        column = column.fill_null("")
    return column.to_pylist()  # type: ignore[no-any-return]


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
