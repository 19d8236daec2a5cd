"""Pages: log in and out, change one's own password."""

import hmac
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from central.accounts import login as logins
from central.accounts import service
from central.accounts.model import MIN_PASSWORD, Busy, FormExpired, LoginRefused, Viewer, WeakPassword, WrongPassword
from central.web import guard
from central.web.console import console_of
from central.web.language import inside

router = APIRouter(include_in_schema=False)
LOGIN_COOKIE = "login_form"
Secret = Annotated[str, Form(max_length=256)]
Own = Annotated[Viewer, Depends(guard.own_form)]


@router.get("/login")
def login_page(request: Request, next: str = "/") -> HTMLResponse:
    """The form to log in."""
    return _login_form(request, next, fault=None, status=200)


@router.post("/login")
def login(
    request: Request, username: Secret = "", password: Secret = "", csrf: Secret = "", next: Annotated[str, Form(max_length=2000)] = "/"
) -> Response:
    """Open a session and go where the visitor wanted to go. The form must be one that this browser was given."""
    if not hmac.compare_digest(csrf.encode(), request.cookies.get(LOGIN_COOKIE, secrets.token_urlsafe()).encode()):
        raise FormExpired("this login form was not issued to this browser, or cookies are off: open the page again")
    centre = guard.centre_of(request)
    try:
        opened = logins.log_in(centre, logins.hashing_of(request), username=username, password=password)
    except (LoginRefused, Busy) as error:
        return _login_form(request, next, fault=error.code, status=error.status)
    response = RedirectResponse(inside(next), status_code=303)
    response.delete_cookie(LOGIN_COOKIE, path="/login")
    response.set_cookie(
        guard.session_cookie(centre),
        opened.token,
        max_age=centre.settings.web.session_hours * 3600,
        httponly=True,
        samesite="strict",
        secure=centre.settings.web.secure_cookies,
    )
    return response


@router.post("/logout", dependencies=[Depends(guard.own_form)])
def logout(request: Request) -> Response:
    """End this session."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        service.log_out(db, token=guard.cookie_token(request), now=centre.now())
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(guard.session_cookie(centre), secure=centre.settings.web.secure_cookies, httponly=True, samesite="strict")
    return response


@router.get("/account")
def account_page(request: Request, viewer: Annotated[Viewer, Depends(guard.logged_in)], changed: bool = False) -> HTMLResponse:
    """One's own account."""
    return _account_form(request, viewer, fault=None, changed=changed, status=200)


@router.post("/account/password")
def change_password(request: Request, viewer: Own, current: Secret = "", new: Secret = "", again: Secret = "") -> Response:
    """Replace one's own password; ends the sessions on other machines."""
    if new != again:
        return _account_form(request, viewer, fault="passwords_differ", changed=False, status=422)
    centre, token = guard.centre_of(request), guard.cookie_token(request)
    try:
        logins.change_password(centre, logins.hashing_of(request), viewer=viewer, token=token, current=current, new=new)
    except (WrongPassword, WeakPassword, Busy) as error:
        return _account_form(request, viewer, fault=error.code, changed=False, status=error.status)
    return RedirectResponse("/account?changed=true", status_code=303)


def _login_form(request: Request, wanted: str, *, fault: str | None, status: int) -> HTMLResponse:
    token = secrets.token_urlsafe(32)
    shown = {"next": inside(wanted), "csrf": token, "fault": fault}
    response = console_of(request).page(request, "login.html", status=status, shown=shown)
    secure = guard.centre_of(request).settings.web.secure_cookies
    response.set_cookie(LOGIN_COOKIE, token, httponly=True, samesite="strict", secure=secure, path="/login")
    return response


def _account_form(request: Request, viewer: Viewer, *, fault: str | None, changed: bool, status: int) -> HTMLResponse:
    shown = {"fault": fault, "changed": changed, "min_password": MIN_PASSWORD}
    return console_of(request).page(request, "account.html", viewer=viewer, status=status, shown=shown)
