"""What an entry of the audit log is, and how entries are chained. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from pydantic import JsonValue

from central.errors import BadInput

GENESIS = "0" * 64
"""`prev` of the first entry."""
MAX_NAME = 64
MAX_OBJECT = 200


def person(actor: str) -> str:
    """Whom an actor names, in one form: `command-line/anna` and the console's `anna` are one person, however the name was written.

    Where two people are asked for, it is these that must differ.
    """
    return actor.rpartition("/")[2].strip().casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Who did what to which thing, and when. `sha256` names the entry; `prev` names the one before."""

    audit_id: int
    at: datetime
    actor: str
    action: str
    object: str
    detail: Mapping[str, JsonValue]
    prev: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Newest entries first; `page` counts from 1."""

    rows: tuple[Entry, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What a walk over the whole chain found.

    A chain cannot show that its newest entries were cut off. Who noted `head` elsewhere passes it as `known_head` at the next
    walk: `known_head_present` then says whether that entry is still there (None: no head was given).
    """

    entries: int
    head: str
    broken_at: int | None
    known_head_present: bool | None

    @property
    def intact(self) -> bool:
        """True if every entry has the hash it should have and the noted head, if any, is still there."""
        return self.broken_at is None and self.known_head_present is not False


def content(*, at: datetime, actor: str, action: str, object: str, detail: Mapping[str, JsonValue], prev: str) -> bytes:
    """An entry's canonical JSON (sorted keys, no spaces, UTF-8). Raises BadInput for what JSON cannot say exactly."""
    said = {
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": actor,
        "action": action,
        "object": object,
        "detail": detail,
        "prev": prev,
    }
    try:
        return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise BadInput(f"audit entry {action!r}: its detail cannot be written as JSON: {error}") from None


def content_of(entry: Entry) -> bytes:
    """The canonical JSON of an entry that is here."""
    said = {"at": entry.at, "actor": entry.actor, "action": entry.action, "object": entry.object}
    return content(**said, detail=entry.detail, prev=entry.prev)  # type: ignore[arg-type]


def require_sizes(*, actor: str, action: str, object: str) -> None:
    """Raises BadInput for a name that is empty or does not fit its column; nothing is cut silently in an audit log."""
    for name, value, limit in (("actor", actor, MAX_NAME), ("action", action, MAX_NAME), ("object", object, MAX_OBJECT)):
        if not 0 < len(value) <= limit:
            raise BadInput(f"audit {name} has {len(value)} characters, allowed are 1 to {limit}: {value[:80]!r}")


def walk(entries: Iterable[Entry], known_head: str | None) -> ChainReport:
    """Check every link, oldest first; stops at the first entry that is not what it should be."""
    prev, count, seen = GENESIS, 0, False
    for entry in entries:
        if entry.prev != prev or entry.sha256 != sha256(content_of(entry)).hexdigest():
            return _report(count, prev, entry.audit_id, known_head, seen)
        prev, count = entry.sha256, count + 1
        seen = seen or prev == known_head
    return _report(count, prev, None, known_head, seen)


def _report(entries: int, head: str, broken_at: int | None, known_head: str | None, seen: bool) -> ChainReport:
    return ChainReport(entries=entries, head=head, broken_at=broken_at, known_head_present=None if known_head is None else seen)
