"""Pages of the administrator: every account; add, disable, enable, give a new password."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from central.accounts import service
from central.accounts.login import hashing_of
from central.accounts.model import Right, Role, Viewer
from central.accounts.passwords import random_password
from central.db import reading
from central.errors import CentralError
from central.web import guard
from central.web.console import console_of

router = APIRouter(prefix="/accounts", include_in_schema=False)
Manager = Annotated[Viewer, Depends(guard.page(Right.MANAGE_ACCOUNTS))]
ManagerForm = Annotated[Viewer, Depends(guard.form(Right.MANAGE_ACCOUNTS))]


@router.get("")
def accounts_page(request: Request, viewer: Manager) -> HTMLResponse:
    """Every account."""
    return _page(request, viewer)


@router.post("")
def add(request: Request, viewer: ManagerForm, username: Annotated[str, Form(max_length=64)], role: Annotated[Role, Form()]) -> Response:
    """Add an account with a random password, shown this once."""
    centre, password = guard.centre_of(request), random_password()
    password_hash = hashing_of(request).hash(password)
    try:
        with centre.engine.begin() as db:
            service.add(
                db,
                username=username.strip(),
                role=role,
                password_hash=password_hash,
                must_change_password=True,
                actor=viewer.username,
                now=centre.now(),
            )
    except CentralError as error:
        return _page(request, viewer, fault=error.code, status=error.status)
    return _page(request, viewer, issued=(username.strip(), password))


@router.post("/{username}/disable")
def disable(request: Request, viewer: ManagerForm, username: str) -> Response:
    """Refuse further logins and end every session of the account."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        service.disable(db, username=username, actor=viewer.username, now=centre.now())
    return RedirectResponse("/accounts", status_code=303)


@router.post("/{username}/enable")
def enable(request: Request, viewer: ManagerForm, username: str) -> Response:
    """Allow logins again."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        service.enable(db, username=username, actor=viewer.username, now=centre.now())
    return RedirectResponse("/accounts", status_code=303)


@router.post("/{username}/password")
def reset_password(request: Request, viewer: ManagerForm, username: str) -> Response:
    """Give a new random password, shown this once; lifts a lock."""
    centre, password = guard.centre_of(request), random_password()
    password_hash = hashing_of(request).hash(password)
    with centre.engine.begin() as db:
        service.reset_password(db, username=username, password_hash=password_hash, actor=viewer.username, now=centre.now())
    return _page(request, viewer, issued=(username, password))


def _page(
    request: Request, viewer: Viewer, *, issued: tuple[str, str] | None = None, fault: str | None = None, status: int = 200
) -> HTMLResponse:
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        accounts = service.every(db)
    shown = {"accounts": accounts, "roles": tuple(Role), "issued": issued, "fault": fault, "now": centre.now()}
    return console_of(request).page(request, "accounts.html", viewer=viewer, status=status, shown=shown)
