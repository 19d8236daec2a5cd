"""Writing and checking the audit log. An entry is written in the transaction of what it tells, so neither exists without the other."""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType

from pydantic import JsonValue
from sqlalchemy import Connection

from central.audit import store
from central.audit.model import AuditPage, ChainReport, Entry, content, content_of, require_sizes, walk
from central.transparency import service as transparency
from central.transparency.model import Kind, canonical

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


def logged(db: Connection, size: int) -> Iterator[bytes]:
    """Every entry, oldest first, as a line of an export: with its place among the first `size` leaves of the transparency log and the salt
    that opens its leaf there. `index` is null where it has no place among them, `salt` also where it was erased.
    """
    for entry in store.every(db):
        found = transparency.find(db, Kind.AUDIT, entry.sha256)
        index, salt = (None, None) if found is None or found[0] >= size else (found[0], found[1].salt)
        said = {"entry": json.loads(content_of(entry)), "index": index, "salt": None if salt is None else salt.hex()}
        yield canonical(said) + b"\n"


def unlogged(db: Connection) -> Iterator[str]:
    """Name each entry that is not in the transparency log as it stands here.

    Entries from before the log began are left out: the first one that was logged names the hash of the one before it, and so on back.
    """
    begun = False
    for entry in store.every(db):
        found = transparency.find(db, Kind.AUDIT, entry.sha256)
        begun = begun or found is not None
        if found is not None and found[1].opens(content_of(entry)) is False:
            yield f"audit entry {entry.audit_id} is not what was logged"
        if begun and found is None and not transparency.waits(db, Kind.AUDIT, entry.sha256):
            yield f"audit entry {entry.audit_id} was never logged"


def entries(db: Connection, *, page: int = 1, size: int = 50, actor: str | None = None, action: str | None = None) -> AuditPage:
    """One page of the log, newest first."""
    return store.page(db, page=page, size=size, actor=actor, action=action)


def about(db: Connection, objects: Collection[str]) -> tuple[Entry, ...]:
    """Every entry about one of these things, oldest first: its custody record."""
    return tuple(store.about(db, objects))


def actions(db: Connection) -> tuple[str, ...]:
    """Every action that occurs in the log, for a filter."""
    return store.actions(db)
