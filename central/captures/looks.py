"""What the hot list asks to be looked at again: each batch against the list, and what came before an entry, once."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from central.captures import store
from central.captures.model import OpenedEvent, capture_id
from central.hotlist import service as hotlist
from central.hotlist.model import Entry, HotKind, Matter, Seen
from contract.events import Capture, ManualCheck

SETTLED = timedelta(seconds=10)
"""An entry is swept so long after it was made: a batch that did not see it yet is committed by then."""


def screen(db: Connection, events: Iterable[OpenedEvent], *, now: datetime) -> None:
    """Queue what of a batch the list concerns. Nothing is refused."""
    entries = hotlist.entries(db, only_open=True)
    if entries:
        hotlist.screen(db, (seen for one in events if (seen := _seen(one)) is not None), entries, now=now)


def sweep(db: Connection, *, now: datetime) -> int:
    """Queue what came before new entries of the list and is concerned by them; how many looks are due. Can be repeated."""
    count = 0
    for entry in hotlist.unswept(db):
        if now - entry.added_at >= SETTLED:
            count += hotlist.screen(db, _before(db, entry), [entry], now=now)
            hotlist.swept(db, entry.entry_id, now=now)
    return count


def _before(db: Connection, entry: Entry) -> Iterator[Seen]:
    if entry.kind is not HotKind.OPERATOR:
        device_id = entry.value if entry.kind is HotKind.DEVICE else None
        yield from (_capture(row) for row in store.captures_since(db, entry.since, device_id))
    if entry.kind is not HotKind.MODEL:
        named = {"device_id" if entry.kind is HotKind.DEVICE else "opter": entry.value}
        yield from (_by_hand(row) for row in store.manual_checks_since(db, entry.since, named))


def _seen(one: OpenedEvent) -> Seen | None:
    place: dict[str, Any] = {"subject": capture_id(one.device.device_id, one.epoch, one.seq), "device_id": one.device.device_id}
    place["fixmedins_code"] = one.device.fixmedins_code
    match one.event:
        case Capture() as capture:
            return Seen(**place, matter=Matter.CAPTURE, at=capture.opened_at, traits=tuple(capture.software.model_dump().values()))
        case ManualCheck() as check:
            traits = () if check.software is None else tuple(check.software.model_dump().values())
            return Seen(**place, matter=Matter.MANUAL_CHECK, at=check.at, traits=traits, operator=check.opter)
    return None


def _capture(row: Any) -> Seen:
    place = {name: row[name] for name in ("device_id", "fixmedins_code")}
    return Seen(**place, subject=row["capture_id"], matter=Matter.CAPTURE, at=row["opened_at"], traits=tuple(row["software"].values()))


def _by_hand(row: Any) -> Seen:
    place = {name: row[name] for name in ("device_id", "fixmedins_code", "at")}
    subject = capture_id(row["device_id"], row["epoch"], row["seq"])
    return Seen(**place, subject=subject, matter=Matter.MANUAL_CHECK, operator=row["opter"])
