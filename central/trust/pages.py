"""Pages of a device's life, of the hot list and of the second looks."""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from central.china import CHINA
from central.db import reading
from central.devices import service as devices
from central.devices.model import LOOK_BACK
from central.errors import BadInput, CentralError
from central.hotlist import service as hotlist
from central.hotlist.model import MAX_REASON, MAX_VALUE, Decision, HotKind
from central.orders import service as orders
from central.orders.model import MAX_PURPOSE, Asking
from central.trust import service
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer

router = APIRouter(include_in_schema=False)
Onlooker = Annotated[Viewer, Depends(guard.page(Right.SEE_OVERVIEW))]
Reader = Annotated[Viewer, Depends(guard.page(Right.READ_FINDINGS))]
Reviewer = Annotated[Viewer, Depends(guard.form(Right.REVIEW))]
Keeper = Annotated[Viewer, Depends(guard.form(Right.MANAGE_SITES))]
Number = Annotated[int, Query(ge=1, le=1_000_000)]
Text = Annotated[str, Form()]
Short = Annotated[str, Form(max_length=100)]
REVOKED_FOR = ("stolen", "tampered", "unknown_keeper", "revoked")
"""Why a device is revoked at once; codes of texts."""
SIZE = 30


@router.get("/devices/{device_id}")
def device_page(request: Request, viewer: Onlooker, device_id: str) -> HTMLResponse:
    """One device: its keys from the first to the last, and who may change or end them."""
    return _device(request, viewer, device_id)


@router.post("/devices/{device_id}/rekey")
def rekey(request: Request, viewer: Keeper, device_id: str, purpose: Text = "") -> Response:
    """Order new keys."""
    entered = {"form": "rekey", "purpose": purpose[:MAX_PURPOSE]}

    def ask(db: Connection, now: datetime) -> None:
        orders.ask_rekey(db, device_id, "routine", by=Asking(actor=viewer.username, purpose=purpose, at=now))

    return _change(request, ask, f"/devices/{device_id}", lambda said, status: _device(request, viewer, device_id, entered | said, status))


@router.post("/devices/{device_id}/revoke")
def revoke(request: Request, viewer: Keeper, device_id: str, why: Short = "", since: Short = "", confirmed: Short = "") -> Response:
    """Trust nothing more of it, at once; it is typed again, for this cannot be undone."""
    entered = {"form": "revoke", "why": why, "since": since}

    def end(db: Connection, now: datetime) -> None:
        if confirmed != device_id:
            raise BadInput("type the name of the device to confirm: this cannot be undone")
        if why not in REVOKED_FOR:
            raise BadInput("choose why")
        devices.revoke_device(db, device_id, why=why, since=_day(since) if since else None, now=now, actor=viewer.username)

    return _change(request, end, f"/devices/{device_id}", lambda said, status: _device(request, viewer, device_id, entered | said, status))


@router.get("/hot-list")
def hot_list_page(request: Request, viewer: Reader) -> HTMLResponse:
    """The list, newest first, and the form for another entry."""
    return _hot_list(request, viewer)


@router.post("/hot-list")
def add_entry(request: Request, viewer: Reviewer, kind: Short = "", value: Short = "", since: Short = "", reason: Text = "") -> Response:
    """Put something on the list."""
    entered = {"form": "add", "kind": kind, "value": value, "since": since, "reason": reason[:MAX_REASON]}

    def add(db: Connection, now: datetime) -> None:
        if kind not in set(HotKind):
            raise BadInput("choose what it is about")
        hotlist.distrust(db, HotKind(kind), value, reason=reason, since=_day(since), now=now, actor=viewer.username)

    return _change(request, add, "/hot-list", lambda said, status: _hot_list(request, viewer, entered | said, status))


@router.post("/hot-list/{entry_id}/end")
def end_entry(request: Request, viewer: Reviewer, entry_id: int, reason: Text = "") -> Response:
    """Take an entry off the list."""
    entered = {"form": f"end-{entry_id}", "reason": reason[:MAX_REASON]}

    def end(db: Connection, now: datetime) -> None:
        hotlist.end(db, entry_id, why=reason, now=now, actor=viewer.username)

    return _change(request, end, "/hot-list", lambda said, status: _hot_list(request, viewer, entered | said, status))


@router.get("/second-looks")
def second_looks_page(
    request: Request, viewer: Reader, decision: Annotated[str, Query(pattern="^(open|keep|distrust|all)$")] = "open", page: Number = 1
) -> HTMLResponse:
    """What has to be looked at again, newest first."""
    return _looks(request, viewer, decision=decision, page=page)


@router.post("/second-looks")
def decide(
    request: Request, viewer: Reviewer, subject: Short = "", entry_id: Annotated[int, Form()] = 0, decision: Short = "", reason: Text = ""
) -> Response:
    """Keep or distrust, with a reason."""
    entered = {"subject": subject, "entry_id": str(entry_id), "decision": decision, "reason": reason[:MAX_REASON]}

    def say(db: Connection, now: datetime) -> None:
        hotlist.decide(db, subject, entry_id, decision, reason=reason, now=now, actor=viewer.username)

    return _change(request, say, "/second-looks", lambda said, status: _looks(request, viewer, entered=entered | said, status=status))


def _change(
    request: Request, do: Callable[[Connection, datetime], None], back: str, again: Callable[[dict[str, str], int], HTMLResponse]
) -> Response:
    """Do it and go back to the page, or show the form `again` with what was wrong."""
    centre = guard.centre_of(request)
    try:
        with centre.engine.begin() as db:
            do(db, centre.now())
    except CentralError as error:
        return again({"fault": error.code, "fault_message": str(error)}, error.status)
    return RedirectResponse(back, status_code=303)


def _device(request: Request, viewer: Viewer, device_id: str, entered: dict[str, str] | None = None, status: int = 200) -> HTMLResponse:
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        shown = {
            "found": service.device_view(db, device_id),
            "reasons": REVOKED_FOR,
            "entered": entered or {},
            "max_purpose": MAX_PURPOSE,
            "today": centre.now().astimezone(CHINA).date(),
            "usual": (centre.now() - LOOK_BACK).astimezone(CHINA).date(),
        }
    return console_of(request).page(request, "device.html", viewer=viewer, status=status, shown=shown)


def _hot_list(request: Request, viewer: Viewer, entered: dict[str, str] | None = None, status: int = 200) -> HTMLResponse:
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        shown = {
            "entries": hotlist.entries(db),
            "kinds": tuple(HotKind),
            "entered": entered or {},
            "max_reason": MAX_REASON,
            "max_value": MAX_VALUE,
            "today": centre.now().astimezone(CHINA).date(),
        }
    return console_of(request).page(request, "hot_list.html", viewer=viewer, status=status, shown=shown)


def _looks(
    request: Request, viewer: Viewer, *, decision: str = "open", page: int = 1, entered: dict[str, str] | None = None, status: int = 200
) -> HTMLResponse:
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        found = hotlist.looks(db, decision=None if decision == "all" else decision, page=page, size=SIZE)
        shown = {
            "found": found,
            "views": service.look_views(db, found),
            "decision": decision,
            "decisions": tuple(Decision),
            "entered": entered or {},
            "max_reason": MAX_REASON,
        }
    return console_of(request).page(request, "second_looks.html", viewer=viewer, status=status, shown=shown)


def _day(text: str) -> datetime:
    """The beginning of a day in China. Raises BadInput."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), CHINA)
    except ValueError:
        raise BadInput(f"{text[:20]!r} is not a day: write it as 2026-01-31") from None
