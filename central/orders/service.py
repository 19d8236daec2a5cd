"""Ask a device, send again what is not answered, and note the answer. Every asking is in the audit log with its purpose."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import ValidationError
from sqlalchemy import Connection, RowMapping

from central.accounts.model import Right, Viewer
from central.audit import service as audit
from central.devices import service as devices
from central.errors import BadInput, NotFound
from central.evidence import service as evidence
from central.orders import store
from central.orders.model import (
    DEEDS,
    FILM,
    NEEDS,
    AlreadyAsked,
    Answer,
    Asking,
    DeviceGone,
    Kind,
    NeverReported,
    Order,
    OrderPage,
    checked_purpose,
    checked_validity,
    command,
    pause,
    state_of,
)
from contract.message import first_fault

_LARGEST_PAGE = 500


def ask_film(db: Connection, device_id: str, *, msgid: str | None = None, setl_id: str | None = None, by: Asking) -> Order:
    """Ask for the clip of one settlement, named by one of its numbers. Raises BadInput, DeviceGone, AlreadyAsked."""
    return _ask(db, Kind.EVIDENCE_REQUEST, device_id, msgid or setl_id or "", {"msgid": msgid, "setl_id": setl_id}, by)


def ask_roll_call(db: Connection, device_id: str, window: str, *, by: Asking) -> Order:
    """Ask for the picture of a window now (云查房). Raises BadInput, AlreadyAsked, or NotFound for a window that is not registered."""
    if window not in devices.windows_of(db, device_id):
        raise NotFound(f"device {device_id} has no window {window[:40]!r}")
    return _ask(db, Kind.ROLL_CALL, device_id, window, {"window": window}, by)


def ask_configure(db: Connection, device_id: str, settings: Mapping[str, Any] | str, *, by: Asking) -> Order:
    """Ask a device to run with these settings (sections of names and values, or TOML that says so) above those of its own file.

    An empty one takes back whatever an earlier order set. Raises BadInput, AlreadyAsked, or NeverReported where the device has
    not said yet which settings it has; DeviceGone. What a setting may be is the device's to judge: it tries them, and answers.
    """
    table = _read(settings) if isinstance(settings, str) else dict(settings)
    reported = devices.reported_settings(db, device_id)
    if reported is None:
        raise NeverReported(f"device {device_id} never reported its settings: let it connect once, then ask again")
    return _ask(db, Kind.CONFIGURE, device_id, "", {"from_sha256": reported, "settings": table}, by)


def ask_revoke(db: Connection, device_id: str, why: str, *, by: Asking) -> Order:
    """Ask a device to end its service: it forgets templates and film, delivers what it has, and is then cut off (`retire_due`).

    `why` is a code such as `moved` or `replaced`. Of a device that was stolen trust nothing more at once: `devices.revoke_device`.
    Raises BadInput, DeviceGone, AlreadyAsked.
    """
    return _ask(db, Kind.REVOKE, device_id, "", {"why": why}, by)


def ask_rekey(db: Connection, device_id: str, why: str, *, by: Asking) -> Order:
    """Ask a device for new keys; it makes them, the centre admits them, and it changes over at work. `why` is a code such as `routine`.

    Raises BadInput, DeviceGone, AlreadyAsked.
    """
    return _ask(db, Kind.REKEY, device_id, "", {"why": why}, by)


def rekey_ending(db: Connection, before: datetime, *, valid_for: timedelta, now: datetime, actor: str) -> list[Order]:
    """Ask every device whose certificate ends before then for new keys, unless it was asked already."""
    given = []
    for device_id in devices.certificates_ending(db, before):
        if not store.is_open(db, kind=Kind.REKEY, device_id=device_id, subject="", now=now):
            by = Asking(actor=actor, purpose="its certificate ends soon", at=now, valid_for=valid_for)
            given.append(ask_rekey(db, device_id, "certificate_ends", by=by))
    return given


def answer_rekey(db: Connection, device_id: str, told: Answer) -> None:
    """Note on every open order of the device for new keys what became of it."""
    for row in store.open_now(db, told.at):
        if (row["device_id"], row["kind"]) == (device_id, Kind.REKEY):
            store.answer(db, row["request"], {"answered_at": told.at, "result": told.result, "why": told.why, "detail": told.detail[:200]})


def get(db: Connection, request: str, *, viewer: Viewer | None = None, now: datetime) -> Order:
    """One order. Raises NotFound, also for one that the viewer has no business with."""
    row = store.one(db, request)
    if row is None or (viewer is not None and row["kind"] not in kinds_for(viewer)):
        raise NotFound(f"order {request[:40]!r} is not here")
    return _order(row, now)


def list_orders(
    db: Connection, *, kinds: Collection[Kind] = frozenset(Kind), device_id: str | None = None, page: int = 1, size: int = 50, now: datetime
) -> OrderPage:
    """One page of orders of these kinds, newest first. Raises BadInput for an impossible page."""
    if page < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise BadInput(f"page {page} of size {size}: pages count from 1 and hold 1 to {_LARGEST_PAGE} orders")
    wanted = {} if device_id is None else {"device_id": device_id}
    rows, total = store.page(db, wanted, [kind.value for kind in kinds], offset=(page - 1) * size, size=size)
    return OrderPage(rows=tuple(_order(row, now) for row in rows), total=total, page=page, size=size)


def kinds_for(viewer: Viewer) -> frozenset[Kind]:
    """Orders that somebody may read: those that they may give, and all of them for an auditor."""
    return frozenset(kind for kind in Kind if viewer.may(Right.READ_AUDIT) or viewer.may(NEEDS[kind]))


def about_settlement(db: Connection, device_id: str, numbers: Sequence[str], *, now: datetime) -> tuple[Order, ...]:
    """What was asked about one settlement by any of its numbers, newest first."""
    rows = store.about(db, kind=Kind.EVIDENCE_REQUEST, device_id=device_id, subjects=numbers)
    return tuple(_order(row, now) for row in rows)


def open_counts(db: Connection, now: datetime) -> dict[str, int]:
    """How many orders of each device wait for an answer."""
    return store.open_counts(db, now)


def due(db: Connection, now: datetime) -> list[Order]:
    """Orders to be sent now: open, the device is alive, and the last sending was a while ago."""
    waiting = [row for row in store.open_now(db, now) if row["sent_at"] is None or now - row["sent_at"] >= pause(row["times_sent"])]
    alive = devices.alive(db, now) if waiting else frozenset()
    return [_order(row, now) for row in waiting if row["device_id"] in alive]


def note_sent(db: Connection, order: Order, *, now: datetime) -> None:
    """The command was handed to the broker; whether the device heard of it only its answer says."""
    store.note_sent(db, order.request, now=now)


def answer_film(db: Connection, device_id: str, request: str, told: Answer) -> bool:
    """Note that film, or the reason why none comes, answers an order; False if this device was not asked for film under this number."""
    return _answer(db, device_id, request, told, FILM)


def answer_deed(db: Connection, device_id: str, request: str, told: Answer) -> bool:
    """Note what became of settings or of an end; False if this device was not asked for either under this number."""
    return _answer(db, device_id, request, told, DEEDS)


def to_retire(db: Connection, now: datetime) -> list[Order]:
    """Orders to end a device that may be cut off now: it obeyed and every picture that it announced is here, or the time is over.

    A device that gave up a picture for lack of room is waited for until then.
    """
    revoked = [_order(row, now) for row in store.of_kind(db, Kind.REVOKE)]
    present = set(devices.device_ids(db)) if revoked else set()
    return [order for order in revoked if order.device_id in present and (order.valid_until <= now or _is_done(db, order))]


def retire(db: Connection, order: Order, *, now: datetime) -> None:
    """Trust nothing more that the device signs; whoever asked for it is named in the audit log."""
    devices.retire_device(db, order.device_id, why=str(order.body["why"]), now=now, actor=order.asked_by)


def _is_done(db: Connection, order: Order) -> bool:
    return order.result == "revoked" and not evidence.awaited(db, order.device_id)


def _ask(db: Connection, kind: Kind, device_id: str, subject: str, body: Mapping[str, Any], by: Asking) -> Order:
    purpose, valid_for, site = checked_purpose(by.purpose), checked_validity(kind, by.valid_for), _site_of(db, device_id)
    request, valid_until = uuid4().hex, by.at + valid_for
    try:
        asked = command(kind, body, device=device_id, request=request, at=by.at, valid_until=valid_until)
    except ValidationError as error:
        raise BadInput(first_fault(kind, error)) from None
    if store.is_open(db, kind=kind, device_id=device_id, subject=subject, now=by.at):
        raise AlreadyAsked(f"device {device_id} was asked the same ({kind} {subject}) and has not answered yet")
    kept = asked.model_dump(mode="json", include=set(body))
    row: dict[str, Any] = {
        "request": request,
        "device_id": device_id,
        "fixmedins_code": site,
        "kind": kind.value,
        "subject": subject,
        "body": kept,
    }
    row |= {"purpose": purpose, "asked_by": by.actor, "asked_at": by.at, "valid_until": valid_until, "times_sent": 0}
    store.add(db, row)
    detail = {"kind": kind.value, "device": device_id, "site": site, "why": purpose, "asked": kept}
    audit.record(db, now=by.at, actor=by.actor, action="order.ask", object=request, detail=detail)
    return get(db, request, now=by.at)


def _site_of(db: Connection, device_id: str) -> str:
    try:
        return devices.current_key(db, device_id).fixmedins_code
    except NotFound:
        raise DeviceGone(f"device {device_id[:64]!r} is not registered, or its service has ended: nobody can ask it") from None


def _read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"the settings are not TOML: {error}") from None


def _answer(db: Connection, device_id: str, request: str, told: Answer, kinds: Collection[Kind]) -> bool:
    row = store.one(db, request)
    if row is None or row["device_id"] != device_id or row["kind"] not in kinds:
        return False
    store.answer(db, request, {"answered_at": told.at, "result": told.result, "why": told.why, "detail": told.detail})
    return True


def _order(row: RowMapping, now: datetime) -> Order:
    names = [name for name in Order.__dataclass_fields__ if name not in ("kind", "state")]
    state = state_of(sent_at=row["sent_at"], answered_at=row["answered_at"], valid_until=row["valid_until"], now=now)
    return Order(**{name: row[name] for name in names}, kind=Kind(row["kind"]), state=state)
