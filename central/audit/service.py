"""Writing and checking the audit log. An entry is written in the transaction of what it tells, so neither exists without the other."""

from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType

from pydantic import JsonValue
from sqlalchemy import Connection

from central.audit import store
from central.audit.model import AuditPage, ChainReport, Entry, content, require_sizes, walk
from central.transparency import service as transparency
from central.transparency.model import Kind

_NOTHING: Mapping[str, JsonValue] = MappingProxyType({})


def record(db: Connection, *, now: datetime, actor: str, action: str, object: str, detail: Mapping[str, JsonValue] = _NOTHING) -> None:
    """Append who did what to which thing, here and to the transparency log. The caller owns the transaction; it must be a writing one.

    `detail` is kept as JSON: no picture, no template, no password belongs in it. Raises BadInput for a name that does not fit its
    column or a detail that JSON cannot say.
    """
    require_sizes(actor=actor, action=action, object=object)
    prev = store.lock_head(db)
    said = content(at=now, actor=actor, action=action, object=object, detail=dict(detail), prev=prev)
    name = sha256(said).hexdigest()
    store.add(db, at=now, actor=actor, action=action, object=object, detail=detail, prev=prev, sha256=name)
    transparency.append(db, Kind.AUDIT, name, said, at=now)


def verify_chain(db: Connection, *, known_head: str | None = None) -> ChainReport:
    """Walk over the whole log and check every hash; `known_head` is a head that somebody noted after an earlier walk."""
    return walk(store.every(db), known_head)


def entries(db: Connection, *, page: int = 1, size: int = 50, actor: str | None = None, action: str | None = None) -> AuditPage:
    """One page of the log, newest first."""
    return store.page(db, page=page, size=size, actor=actor, action=action)


def about(db: Connection, objects: Collection[str]) -> tuple[Entry, ...]:
    """Every entry about one of these things, oldest first: its custody record."""
    return tuple(store.about(db, objects))


def actions(db: Connection) -> tuple[str, ...]:
    """Every action that occurs in the log, for a filter."""
    return store.actions(db)
