"""All SQL about runs and about the code of every settlement and capture."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, delete, func, insert, select, update
from sqlalchemy import tuple_ as sql_tuple

from central.db import upsert
from central.linkage.tables import capture_links, runs, settlement_links

KEYS = {settlement_links: ("fixmedins_code", "setl_id"), capture_links: ("capture_id",)}
"""The links and what identifies a row of them."""


def begin_run(db: Connection, *, engine: str, settlements: int, captures: int, started_at: datetime) -> int:
    """Note a run; its number."""
    values = {"engine": engine, "settlements": settlements, "captures": captures, "started_at": started_at, "findings_new": 0}
    run_id: int = db.execute(insert(runs).values(**values).returning(runs.c.run_id)).scalar_one()
    return run_id


def finish_run(db: Connection, run_id: int, *, findings_new: int, now: datetime) -> None:
    """Note how a run ended."""
    db.execute(update(runs).where(runs.c.run_id == run_id).values(finished_at=now, findings_new=findings_new))


def newest_run(db: Connection) -> RowMapping | None:
    """The newest finished run, or None."""
    return db.execute(select(runs).where(runs.c.finished_at.is_not(None)).order_by(runs.c.run_id.desc()).limit(1)).mappings().first()


def settlements_at(db: Connection, moment: datetime) -> int:
    """How many settlements the newest run that had begun by then compared."""
    newest = select(runs.c.settlements).where(runs.c.started_at <= moment).order_by(runs.c.run_id.desc()).limit(1)
    return db.scalar(newest) or 0


def links(table: Table) -> Select[Any]:
    """The links as they stand, without the run that set them."""
    return select(*[column for column in table.c if column.name != "run_id"])


def put(db: Connection, table: Table, rows: Sequence[dict[str, Any]], run_id: int) -> None:
    """Insert or overwrite links."""
    upsert(db, table, [row | {"run_id": run_id} for row in rows], KEYS[table])


def remove(db: Connection, table: Table, keys: Sequence[tuple[str, ...]]) -> None:
    """Remove the links of settlements or captures that are not here any more."""
    columns = [table.c[name] for name in KEYS[table]]
    db.execute(delete(table).where(sql_tuple(*columns).in_(keys)))


def code_of(db: Connection, table: Table, key: tuple[str, ...]) -> str | None:
    """The code of one settlement or capture, or None."""
    same = [table.c[name] == value for name, value in zip(KEYS[table], key, strict=True)]
    return db.scalar(select(table.c.code).where(*same))


def counts(db: Connection, table: Table) -> Iterable[tuple[str, int]]:
    """(code, number)."""
    return [(code, n) for code, n in db.execute(select(table.c.code, func.count()).group_by(table.c.code))]
