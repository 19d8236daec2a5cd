"""Orders for programs: ask a device, and read what became of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, status
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from central.db import reading
from central.orders import service
from central.orders.model import MAX_PURPOSE, Asking, Kind, Order, OrderPage
from central.web import guard
from central.web.guard import Right, Viewer

router = APIRouter(prefix="/api/orders", tags=["orders"])
Reader = Annotated[Viewer, Depends(guard.api(Right.SEE_OVERVIEW))]
Asker = Annotated[Viewer, Depends(guard.api(Right.ASK_FILM))]
Keeper = Annotated[Viewer, Depends(guard.api(Right.MANAGE_SITES))]
Text = Annotated[str, Field(max_length=64)]


class Ask(BaseModel):
    """What every order says: of which device, and what for. It stands for `valid_minutes`, or as long as is usual for its kind."""

    model_config = ConfigDict(extra="forbid")
    device_id: Text
    purpose: str = Field(min_length=1, max_length=MAX_PURPOSE)
    valid_minutes: int | None = Field(default=None, ge=1, le=30 * 24 * 60)


class AskFilm(Ask):
    """The settlement by exactly one of its numbers."""

    msgid: Text | None = None
    setl_id: Text | None = None


class AskRollCall(Ask):
    """The window to be seen now."""

    window: Text


class AskConfigure(Ask):
    """The whole overlay, sections of names and values; or the same as TOML. An empty one takes back what an earlier order set."""

    settings: dict[str, Any] | Annotated[str, Field(max_length=20_000)]


class AskRekey(Ask):
    """`why` is a code such as routine or suspicion."""

    why: Text = "routine"


class AskRevoke(Ask):
    """`why` is a code such as moved or replaced."""

    why: Text


@router.get("")
def orders(
    request: Request,
    viewer: Reader,
    device_id: Annotated[str | None, Query(max_length=64)] = None,
    kind: Kind | None = None,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> OrderPage:
    """Orders that the caller may read, newest first: those of the kinds that one may give, and all of them for an auditor."""
    centre = guard.centre_of(request)
    kinds = service.kinds_for(viewer) & (frozenset(Kind) if kind is None else {kind})
    with reading(centre.engine).begin() as db:
        return service.list_orders(db, kinds=kinds, device_id=device_id, page=page, size=size, now=centre.now())


@router.get("/{request_id}")
def order(request: Request, viewer: Reader, request_id: str) -> Order:
    """One order and its answer. 404 also for one that the caller may not read."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        return service.get(db, request_id, viewer=viewer, now=centre.now())


@router.post("/evidence", status_code=status.HTTP_201_CREATED)
def ask_film(request: Request, viewer: Asker, body: AskFilm) -> Order:
    """Ask for the clip of one settlement. 409 while the same is open."""
    return _ask(request, viewer, body, lambda db, by: service.ask_film(db, body.device_id, msgid=body.msgid, setl_id=body.setl_id, by=by))


@router.post("/roll-call", status_code=status.HTTP_201_CREATED)
def ask_roll_call(request: Request, viewer: Asker, body: AskRollCall) -> Order:
    """Ask for the picture of a window now (云查房)."""
    return _ask(request, viewer, body, lambda db, by: service.ask_roll_call(db, body.device_id, body.window, by=by))


@router.post("/configure", status_code=status.HTTP_201_CREATED)
def ask_configure(request: Request, viewer: Keeper, body: AskConfigure) -> Order:
    """Ask a device to run with other settings. They hold for those that it reported last; 409 if it never reported any."""
    return _ask(request, viewer, body, lambda db, by: service.ask_configure(db, body.device_id, body.settings, by=by))


@router.post("/revoke", status_code=status.HTTP_201_CREATED)
def ask_revoke(request: Request, viewer: Keeper, body: AskRevoke) -> Order:
    """End a device in order: it forgets what it holds, delivers what it has, and is cut off then, or when the order is over."""
    return _ask(request, viewer, body, lambda db, by: service.ask_revoke(db, body.device_id, body.why, by=by))


@router.post("/rekey", status_code=status.HTTP_201_CREATED)
def ask_rekey(request: Request, viewer: Keeper, body: AskRekey) -> Order:
    """Order new keys: the device makes them, the centre admits them, and it changes over at work."""
    return _ask(request, viewer, body, lambda db, by: service.ask_rekey(db, body.device_id, body.why, by=by))


def _ask(request: Request, viewer: Viewer, body: Ask, ask: Callable[[Connection, Asking], Order]) -> Order:
    centre = guard.centre_of(request)
    valid_for = None if body.valid_minutes is None else timedelta(minutes=body.valid_minutes)
    by = Asking(actor=viewer.username, purpose=body.purpose, at=centre.now(), valid_for=valid_for)
    with centre.engine.begin() as db:
        return ask(db, by)
