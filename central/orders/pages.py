"""The page of orders: what was asked of devices and what became of it; administrators set and retire devices here."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from central.db import reading
from central.devices import service as devices
from central.errors import CentralError
from central.orders import service
from central.orders.model import MAX_PURPOSE, Asking, Order
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer

router = APIRouter(include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.SEE_OVERVIEW))]
Keeper = Annotated[Viewer, Depends(guard.form(Right.MANAGE_SITES))]
Device = Annotated[str, Form(max_length=64)]
Text = Annotated[str, Form()]
REASONS = ("retired", "moved", "replaced", "closed")
SIZE = 30


@router.get("/orders")
def orders_page(
    request: Request,
    viewer: Reader,
    device_id: Annotated[str, Query(max_length=64)] = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """Orders of the kinds that the viewer may read, newest first."""
    return _orders(request, viewer, device_id=device_id, page=page)


@router.post("/orders/configure")
def configure(request: Request, viewer: Keeper, device_id: Device = "", settings: Text = "", purpose: Text = "") -> Response:
    """Ask a device to run with other settings, written as TOML."""
    entered = {"form": "configure", "device_id": device_id, "settings": settings[:20_000], "purpose": purpose[:MAX_PURPOSE]}
    return _ask(request, viewer, purpose, entered, lambda db, by: service.ask_configure(db, device_id, settings, by=by))


@router.post("/orders/revoke")
def revoke(request: Request, viewer: Keeper, device_id: Device = "", why: Device = "", purpose: Text = "") -> Response:
    """End a device in order."""
    entered = {"form": "revoke", "device_id": device_id, "why": why, "purpose": purpose[:MAX_PURPOSE]}
    return _ask(request, viewer, purpose, entered, lambda db, by: service.ask_revoke(db, device_id, why, by=by))


def _ask(request: Request, viewer: Viewer, purpose: str, entered: dict[str, str], ask: Callable[[Connection, Asking], Order]) -> Response:
    centre = guard.centre_of(request)
    try:
        with centre.engine.begin() as db:
            ask(db, Asking(actor=viewer.username, purpose=purpose, at=centre.now()))
    except CentralError as error:
        said = {"fault": error.code, "fault_message": str(error)}
        return _orders(request, viewer, entered=entered | said, status=error.status)
    return RedirectResponse("/orders", status_code=303)


def _orders(
    request: Request, viewer: Viewer, *, device_id: str = "", page: int = 1, entered: dict[str, str] | None = None, status: int = 200
) -> HTMLResponse:
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        kinds = service.kinds_for(viewer)
        shown = {
            "found": service.list_orders(db, kinds=kinds, device_id=device_id or None, page=page, size=SIZE, now=centre.now()),
            "devices": devices.device_ids(db),
            "device_id": device_id,
            "entered": entered or {},
            "reasons": REASONS,
            "max_purpose": MAX_PURPOSE,
        }
    return console_of(request).page(request, "orders.html", viewer=viewer, status=status, shown=shown)
