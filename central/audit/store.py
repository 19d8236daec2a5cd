"""All SQL of the audit log. Nothing here changes or deletes an entry."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, text

from central.audit.model import GENESIS, AuditPage, Entry
from central.audit.tables import audit_log

_CHUNK = 500


def lock_head(db: Connection) -> str:
    """Keep other writers away until this transaction ends, and return the newest entry's hash.

    SQLite's write transaction has locked the whole database already; PostgreSQL would otherwise let two writers read the same
    head and refuse the second at the unique index, losing its work.
    """
    if db.dialect.name == "postgresql":
        db.execute(text("LOCK TABLE audit_log IN SHARE ROW EXCLUSIVE MODE"))
    newest = select(audit_log.c.sha256).order_by(audit_log.c.audit_id.desc()).limit(1)
    return db.execute(newest).scalar_one_or_none() or GENESIS


def add(
    db: Connection, *, at: datetime, actor: str, action: str, object: str, detail: Mapping[str, JsonValue], prev: str, sha256: str
) -> None:
    """Append one entry. The unique index on `prev` refuses a fork."""
    row = {"at": at, "actor": actor, "action": action, "object": object, "detail": dict(detail), "prev": prev, "sha256": sha256}
    db.execute(insert(audit_log).values(row))


def every(db: Connection) -> Iterator[Entry]:
    """All entries, oldest first, without holding them in memory."""
    rows = db.execute(select(audit_log).order_by(audit_log.c.audit_id).execution_options(yield_per=1000))
    return (_entry(row) for row in rows)


def page(db: Connection, *, page: int, size: int, actor: str | None, action: str | None) -> AuditPage:
    """One page of the entries, newest first, of one actor and one action where given."""
    wanted: list[ColumnElement[bool]] = []
    if actor is not None:
        wanted.append(audit_log.c.actor == actor)
    if action is not None:
        wanted.append(audit_log.c.action == action)
    total = db.execute(select(func.count()).select_from(audit_log).where(*wanted)).scalar_one()
    rows = db.execute(select(audit_log).where(*wanted).order_by(audit_log.c.audit_id.desc()).limit(size).offset((page - 1) * size))
    return AuditPage(rows=tuple(_entry(row) for row in rows), total=total, page=page, size=size)


def about(db: Connection, objects: Collection[str]) -> Sequence[Entry]:
    """Every entry whose object is one of these, oldest first."""
    names, found = sorted(objects), list[Entry]()
    for start in range(0, len(names), _CHUNK):
        rows = db.execute(select(audit_log).where(audit_log.c.object.in_(names[start : start + _CHUNK])))
        found += [_entry(row) for row in rows]
    return sorted(found, key=lambda entry: entry.audit_id)


def actions(db: Connection) -> tuple[str, ...]:
    """Every action that occurs, by name."""
    return tuple(db.execute(select(audit_log.c.action).distinct().order_by(audit_log.c.action)).scalars())


def _entry(row: Row[Any]) -> Entry:
    return Entry(**row._mapping)
