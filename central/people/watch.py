"""The watch list (布控): only under a written decision, entered by one person, confirmed by another, over by itself."""

from datetime import datetime, timedelta

from pydantic import JsonValue
from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.errors import BadInput, Conflict, NotFound
from central.people import lists, store
from central.people.model import MAX_REFERENCE, NewWatch, OneselfConfirmed, require_psn_no, words
from central.sites import service as sites


def enter(db: Connection, new: NewWatch, *, most_days: int, now: datetime, actor: str) -> int:
    """Enter somebody; nobody is watched for before another person confirms it. Its number.

    Raises BadInput for a decision without number, name or reason, of a day to come, that is over or lasts longer than `most_days`, or
    for somebody without a template; NotFound for an unknown site.
    """
    require_psn_no(new.psn_no)
    sites.require_site(db, new.fixmedins_code)
    document = words(new.document, "the number of the written decision", most=MAX_REFERENCE)
    decided_by = words(new.decided_by, "who decided", most=MAX_REFERENCE)
    reason = words(new.reason, "the reason")
    if new.decided_on > now:
        raise BadInput(f"decision {document}: it is dated in the future ({new.decided_on:%Y-%m-%d})")
    if not now < new.valid_until <= new.decided_on + timedelta(days=most_days):
        raise BadInput(f"decision {document}: its end ({new.valid_until:%Y-%m-%d}) must lie ahead, {most_days} days after it at most")
    if not store.current_templates(db, [new.psn_no]):
        raise BadInput(f"person {new.psn_no} has no template: enrol the face first, on the basis of the decision")
    row = {name: getattr(new, name) for name in ("psn_no", "fixmedins_code", "decided_on", "valid_until")}
    said = {"document": document, "decided_by": decided_by, "reason": reason, "entered_at": now, "entered_by": actor}
    number = lists.add_watch(db, row | said)
    _record(db, "watch.enter", number, new.psn_no, new.fixmedins_code, document, now=now, actor=actor)
    return number


def confirm(db: Connection, watch_id: int, *, now: datetime, actor: str) -> None:
    """Put an entry into force. Raises NotFound, OneselfConfirmed for who entered it, Conflict if it is in force or over."""
    row = _open(db, watch_id, now)
    if row["confirmed_at"] is not None:
        raise Conflict(f"watch {watch_id} is in force already, confirmed by {row['confirmed_by']}")
    if row["entered_by"] == actor:
        raise OneselfConfirmed(f"watch {watch_id}: {actor} entered it; another person must confirm it")
    lists.change_watch(db, watch_id, confirmed_at=now, confirmed_by=actor)
    store.add_change(db, row["fixmedins_code"], row["psn_no"], now=now)
    _record(db, "watch.confirm", watch_id, row["psn_no"], row["fixmedins_code"], row["document"], now=now, actor=actor)


def end(db: Connection, watch_id: int, why: str, *, now: datetime, actor: str) -> None:
    """End an entry before its time, confirmed or not; the terminals forget. Raises NotFound, Conflict if it is over, BadInput."""
    because = words(why, "the reason")
    row = _open(db, watch_id, now)
    lists.change_watch(db, watch_id, ended_at=now, ended_by=actor, ended_why=because)
    store.add_change(db, row["fixmedins_code"], row["psn_no"], now=now)
    _record(db, "watch.end", watch_id, row["psn_no"], row["fixmedins_code"], row["document"], now=now, actor=actor)


def _open(db: Connection, watch_id: int, now: datetime) -> RowMapping:
    row = lists.watch(db, watch_id)
    if row is None:
        raise NotFound(f"watch {watch_id} is not here")
    if row["ended_at"] is not None or row["valid_until"] <= now:
        raise Conflict(f"watch {watch_id} of {row['psn_no']} is over already")
    return row


def _record(
    db: Connection, action: str, number: int, psn_no: str, fixmedins_code: str, document: str, *, now: datetime, actor: str
) -> None:
    detail: dict[str, JsonValue] = {"number": number, "site": fixmedins_code, "document": document}
    audit.record(db, now=now, actor=actor, action=action, object=psn_no, detail=detail)
