"""Place holds and release them, and say what they keep. A release takes two people.

What a hold keeps lies in a list of its own, which whoever knows findings and captures extends: a hold is asked by rooms that know neither.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.errors import NotFound
from central.holds import store
from central.holds.model import Hold, Kind, NewHold, What, checked_reason, require_askable, require_confirmable, require_placeable


def place(db: Connection, new: NewHold, *, captures: Iterable[str], persons: Iterable[str], actor: str, now: datetime) -> int:
    """Keep these captures and persons for what the hold is about; its number. Raises BadInput. `extend` adds what is known later."""
    require_placeable(new)
    told = {"kind": new.kind.value, "reason": new.reason.strip(), "document": new.document.strip()}
    row = told | {"subject": new.subject, "since": new.since, "until": new.until, "placed_by": actor, "placed_at": now}
    hold_id = store.add(db, row)
    extend(db, hold_id, captures=captures, persons=persons)
    span = {name: moment.isoformat() for name, moment in (("since", new.since), ("until", new.until)) if moment is not None}
    audit.record(db, now=now, actor=actor, action="hold.place", object=new.subject, detail={"hold": hold_id, **told, **span})
    return hold_id


def extend(db: Connection, hold_id: int, *, captures: Iterable[str], persons: Iterable[str]) -> None:
    """Let a hold keep these too; repeating it changes nothing."""
    store.add_items(db, hold_id, What.CAPTURE, captures)
    store.add_items(db, hold_id, What.PERSON, persons)


def ask_release(db: Connection, hold_id: int, *, reason: str, actor: str, now: datetime) -> None:
    """Ask that a hold be released; it keeps until another person confirms. Raises NotFound, BadInput, Conflict."""
    hold, because = _locked(db, hold_id), checked_reason(reason)
    require_askable(hold)
    store.change(db, hold_id, {"release_asked_by": actor, "release_asked_at": now, "release_reason": because})
    audit.record(db, now=now, actor=actor, action="hold.ask_release", object=hold.subject, detail={"hold": hold_id, "reason": because})


def confirm_release(db: Connection, hold_id: int, *, actor: str, now: datetime) -> None:
    """Release a hold for whose release somebody else asked. Raises NotFound, Conflict, SamePerson."""
    hold = _locked(db, hold_id)
    require_confirmable(hold, actor)
    store.change(db, hold_id, {"released_by": actor, "released_at": now})
    detail = {"hold": hold_id, "asked_by": hold.release_asked_by, "reason": hold.release_reason}
    audit.record(db, now=now, actor=actor, action="hold.release", object=hold.subject, detail=detail)


def refuse_release(db: Connection, hold_id: int, *, actor: str, now: datetime) -> None:
    """Drop the request for a release, or take back one's own; the hold keeps. Raises NotFound, Conflict."""
    hold = _locked(db, hold_id)
    if hold.release_asked_by is None or hold.released_at is not None:
        require_confirmable(hold, actor)
    store.change(db, hold_id, {"release_asked_by": None, "release_asked_at": None, "release_reason": None})
    detail = {"hold": hold_id, "asked_by": hold.release_asked_by}
    audit.record(db, now=now, actor=actor, action="hold.refuse_release", object=hold.subject, detail=detail)


def standing(db: Connection) -> tuple[Hold, ...]:
    """Every hold that keeps something now, newest first."""
    return tuple(_hold(row) for row in store.every(db, standing=True))


def every(db: Connection) -> tuple[Hold, ...]:
    """Every hold that ever was, newest first."""
    return tuple(_hold(row) for row in store.every(db, standing=False))


def about(db: Connection, kind: Kind, subject: str) -> tuple[Hold, ...]:
    """Every hold on one thing, released ones included, oldest first."""
    return tuple(_hold(row) for row in store.about(db, kind.value, subject))


def held_captures(db: Connection) -> frozenset[str]:
    """Captures, and other events with film, whose pictures and film must stay."""
    return store.kept(db, What.CAPTURE)


def held(db: Connection, capture_id: str) -> bool:
    """Whether a standing hold keeps this capture."""
    return bool(store.keeping(db, What.CAPTURE, capture_id))


def holds_of_person(db: Connection, psn_no: str) -> tuple[Hold, ...]:
    """The standing holds that keep something of this person; nothing of theirs may be erased while there is one."""
    return tuple(_hold(row) for row in store.keeping(db, What.PERSON, psn_no))


def _locked(db: Connection, hold_id: int) -> Hold:
    row = store.lock(db, hold_id)
    if row is None:
        raise NotFound(f"hold {hold_id} is not here; `central evidence holds` lists them")
    return _hold(row)


def _hold(row: RowMapping) -> Hold:
    return Hold(**dict(row) | {"kind": Kind(row["kind"])})
