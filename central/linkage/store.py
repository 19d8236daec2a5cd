"""All SQL about runs, about the code of every settlement and capture, and about the codes of before."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, and_, delete, func, insert, select, text, true, update
from sqlalchemy import tuple_ as sql_tuple

from central.db import upsert
from central.linkage.model import RunKind
from central.linkage.tables import capture_links, ledger_history, runs, settlement_links

KEYS = {settlement_links: ("fixmedins_code", "setl_id"), capture_links: ("capture_id",)}
"""The links and what identifies a row of them."""


def begin_run(db: Connection, *, engine: str, settlements: int, captures: int, started_at: datetime, kind: str) -> int:
    """Note a run; its number."""
    values = {"engine": engine, "settlements": settlements, "captures": captures, "started_at": started_at, "findings_new": 0, "kind": kind}
    run_id: int = db.execute(insert(runs).values(**values).returning(runs.c.run_id)).scalar_one()
    return run_id


def finish_run(db: Connection, run_id: int, *, findings_new: int, now: datetime) -> None:
    """Note how a run ended."""
    db.execute(update(runs).where(runs.c.run_id == run_id).values(finished_at=now, findings_new=findings_new))


def newest_run(db: Connection) -> RowMapping | None:
    """The newest finished run, or None."""
    return db.execute(select(runs).where(runs.c.finished_at.is_not(None)).order_by(runs.c.run_id.desc()).limit(1)).mappings().first()


def settlements_at(db: Connection, moment: datetime) -> int:
    """How many settlements the newest run over everything that had begun by then compared."""
    full = runs.c.kind == RunKind.FULL.value
    newest = select(runs.c.settlements).where(runs.c.started_at <= moment, full).order_by(runs.c.run_id.desc()).limit(1)
    return db.scalar(newest) or 0


def newest_number(db: Connection) -> int:
    """The number of the newest run, 0 before the first."""
    return db.scalar(select(func.max(runs.c.run_id))) or 0


def lock_runs(db: Connection) -> None:
    """Let nobody else store a run until the transaction ends (SQLite has one writer anyway); readers go on."""
    if db.dialect.name == "postgresql":
        db.execute(text("LOCK TABLE runs IN SHARE ROW EXCLUSIVE MODE"))


def run(db: Connection, run_id: int) -> RowMapping | None:
    """One run, or None."""
    return db.execute(select(runs).where(runs.c.run_id == run_id)).mappings().first()


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


def size(db: Connection, table: Table, sites: Sequence[str] | None) -> int:
    """How many links there are, of these institutions or of all."""
    wanted = true() if sites is None else table.c.fixmedins_code.in_(list(sites))
    return db.scalar(select(func.count()).select_from(table).where(wanted)) or 0


def remember(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what the ledger said before."""
    if rows:
        db.execute(insert(ledger_history), list(rows))


def history(db: Connection, side: str, fixmedins_code: str, name: str) -> Sequence[RowMapping]:
    """What the ledger said of one settlement or capture before, oldest first."""
    same = (ledger_history.c.name == name) & (ledger_history.c.fixmedins_code == fixmedins_code) & (ledger_history.c.side == side)
    return db.execute(select(ledger_history).where(same).order_by(ledger_history.c.history_id)).mappings().all()


def link_of(db: Connection, table: Table, key: tuple[str, ...]) -> RowMapping | None:
    """The link of one settlement or capture, or None."""
    same = [table.c[name] == value for name, value in zip(KEYS[table], key, strict=True)]
    return db.execute(select(table).where(*same)).mappings().first()


def page(db: Connection, table: Table, wanted: Mapping[str, str], *, offset: int, size: int) -> tuple[Sequence[RowMapping], int]:
    """Links with these values, those that changed last first, and how many there are."""
    same = and_(true(), *(table.c[name] == value for name, value in wanted.items()))
    total = db.scalar(select(func.count()).select_from(table).where(same)) or 0
    order = (table.c.run_id.desc(), *(table.c[name] for name in KEYS[table]))
    return db.execute(select(table).where(same).order_by(*order).offset(offset).limit(size)).mappings().all(), total


def code_of(db: Connection, table: Table, key: tuple[str, ...]) -> str | None:
    """The code of one settlement or capture, or None."""
    same = [table.c[name] == value for name, value in zip(KEYS[table], key, strict=True)]
    return db.scalar(select(table.c.code).where(*same))


def counts(db: Connection, table: Table) -> Iterable[tuple[str, int]]:
    """(code, number)."""
    return [(code, n) for code, n in db.execute(select(table.c.code, func.count()).group_by(table.c.code))]
