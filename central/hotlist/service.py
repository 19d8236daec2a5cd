"""Put devices, models and clerks on the hot list, queue what they concern for a second look, and note what people say of it.

Nothing is refused or dropped because of an entry: what a listed device tells is kept and counted as ever, and a person looks again.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.changes import service as changes
from central.changes.model import Change, ChangeKind
from central.errors import BadInput, Conflict, NotFound
from central.hotlist import store
from central.hotlist.model import Decision, Entry, HotKind, Look, LookPage, Matter, Seen, checked_reason, checked_value, concerns

_LARGEST_PAGE = 500
_AT_ONCE = 500


def distrust(db: Connection, kind: HotKind, value: str, *, reason: str, since: datetime, now: datetime, actor: str) -> int:
    """Add an entry; its number. Raises BadInput, or Conflict while the same is on the list with a time as early."""
    named, why = checked_value(value), checked_reason(reason)
    if since > now:
        raise BadInput(f"an entry holds since a time that has come, not since {since.isoformat()}")
    for row in store.entries(db, only_open=True):
        if (row["kind"], row["value"]) == (kind.value, named) and row["since"] <= since:
            raise Conflict(
                f"{kind} {named} is on the hot list since {row['since'].isoformat(timespec='minutes')} (entry {row['entry_id']})"
            )
    new = {"kind": kind.value, "value": named, "reason": why, "since": since, "added_by": actor, "added_at": now}
    number = store.add(db, new)
    detail = {"kind": kind.value, "since": since.isoformat(), "why": why}
    audit.record(db, now=now, actor=actor, action="hotlist.add", object=named, detail=detail)
    return number


def end(db: Connection, entry_id: int, *, why: str, now: datetime, actor: str) -> None:
    """Take an entry off the list; what it queued stays queued. Raises BadInput, NotFound, Conflict."""
    said, row = checked_reason(why), store.entry(db, entry_id)
    if row is None:
        raise NotFound(f"entry {entry_id} is not on the hot list")
    if row["ended_at"] is not None:
        raise Conflict(f"entry {entry_id} was ended already")
    store.change(db, entry_id, {"ended_by": actor, "ended_at": now, "ended_why": said})
    audit.record(db, now=now, actor=actor, action="hotlist.end", object=row["value"], detail={"kind": row["kind"], "why": said})


def entries(db: Connection, *, only_open: bool = False) -> tuple[Entry, ...]:
    """The list, newest first."""
    return tuple(_entry(row) for row in store.entries(db, only_open=only_open))


def unswept(db: Connection) -> tuple[Entry, ...]:
    """Entries for which nobody has searched yet what came before them."""
    return tuple(_entry(row) for row in store.unswept(db))


def swept(db: Connection, entry_id: int, *, now: datetime) -> None:
    """What came before this entry was searched."""
    store.change(db, entry_id, {"swept_at": now})


def screen(db: Connection, seen: Iterable[Seen], known: Collection[Entry], *, now: datetime) -> int:
    """Queue what any of these entries concerns; how many looks are due."""
    due: list[dict[str, Any]] = []
    count = 0
    for one in seen:
        due += [_row(one, entry, now) for entry in known if concerns(entry, one)]
        if len(due) >= _AT_ONCE:
            _queue(db, due)
            count, due = count + len(due), []
    _queue(db, due)
    return count + len(due)


def looks(db: Connection, *, decision: str | None = None, page: int = 1, size: int = 50) -> LookPage:
    """One page of second looks, newest first; `decision` may be "open". Raises BadInput for an impossible page."""
    if page < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise BadInput(f"page {page} of size {size}: pages count from 1 and hold 1 to {_LARGEST_PAGE} looks")
    wanted = {} if decision is None else {"decision": decision}
    rows, total = store.page(db, wanted, offset=(page - 1) * size, size=size)
    return LookPage(rows=tuple(_look(row) for row in rows), total=total, page=page, size=size)


def looks_at(db: Connection, subjects: Collection[str]) -> tuple[Look, ...]:
    """Second looks at any of these, oldest first."""
    return tuple(_look(row) for row in store.about(db, subjects)) if subjects else ()


def doubted_captures(db: Connection) -> frozenset[str]:
    """Captures that prove nothing: a second look is due, or somebody looked and does not believe them."""
    return frozenset(store.doubted(db, Matter.CAPTURE.value))


def decide(db: Connection, subject: str, entry_id: int, decision: Decision | str, *, reason: str, now: datetime, actor: str) -> None:
    """Note what a person says after the second look, and audit it. Raises BadInput, NotFound, or Conflict where it was said before."""
    try:
        said = Decision(decision)
    except ValueError:
        raise BadInput(f"decision {str(decision)[:20]!r} is none of {', '.join(Decision)}") from None
    why = checked_reason(reason)
    if store.look(db, subject, entry_id) is None:
        raise NotFound(f"no second look at {subject[:96]!r} is asked for by entry {entry_id}")
    if not store.decide(db, subject, entry_id, {"decision": said.value, "reason": why, "decided_by": actor, "decided_at": now}):
        raise Conflict(f"{subject} was looked at again already")
    changes.note(db, [Change(kind=ChangeKind.CAPTURE, name=subject)])
    audit.record(db, now=now, actor=actor, action="look.decide", object=subject, detail={"verdict": said.value, "reason": why})


def _queue(db: Connection, due: list[dict[str, Any]]) -> None:
    store.queue(db, due)
    changes.note(db, (Change(kind=ChangeKind.CAPTURE, name=row["subject"]) for row in due if row["kind"] == Matter.CAPTURE.value))


def _row(seen: Seen, entry: Entry, now: datetime) -> dict[str, Any]:
    named = {"subject": seen.subject, "entry_id": entry.entry_id, "kind": seen.matter.value}
    return named | {"fixmedins_code": seen.fixmedins_code, "seen_at": seen.at, "queued_at": now}


def _entry(row: RowMapping) -> Entry:
    said = {name: row[name] for name in Entry.__dataclass_fields__ if name != "kind"}
    return Entry(**said, kind=HotKind(row["kind"]))


def _look(row: RowMapping) -> Look:
    said = {name: row[name] for name in Look.__dataclass_fields__ if name not in ("matter", "hot_kind", "decision")}
    decision = None if row["decision"] is None else Decision(row["decision"])
    return Look(**said, matter=Matter(row["kind"]), hot_kind=HotKind(row["hot_kind"]), decision=decision)
