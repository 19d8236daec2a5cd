"""Who is asking, and whether they may. Pages use the session cookie, programs a bearer token.

Browsers send cookies by themselves, so a cookie never authorises a change without the CSRF token of its session's forms; on
the API a cookie authorises reading only.
"""

import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from central.accounts import service
from central.accounts.model import FormExpired, MustChangePassword, NotLoggedIn, Right, Viewer
from central.db import reading
from central.errors import Forbidden
from central.wiring import Centre

__all__ = [
    "Right",
    "Viewer",
    "api",
    "api_token",
    "api_viewer",
    "centre_of",
    "cookie_token",
    "form",
    "known_viewer",
    "logged_in",
    "own_form",
    "page",
    "session_cookie",
]

_SAFE = frozenset({"GET", "HEAD"})
_bearer = HTTPBearer(auto_error=False, description="The token that POST /api/login returned.")


def centre_of(request: Request) -> Centre:
    """The centre that this application serves."""
    centre: Centre = request.app.state.centre
    return centre


def session_cookie(centre: Centre) -> str:
    """Its name; the prefix makes browsers refuse it from other hosts, paths and plain HTTP, so it needs TLS."""
    return "__Host-session" if centre.settings.web.secure_cookies else "session"


def cookie_token(request: Request) -> str:
    """The session token in the cookie. Raises NotLoggedIn if there is none."""
    token = request.cookies.get(session_cookie(centre_of(request)))
    if token is None:
        raise NotLoggedIn("log in first")
    return token


def logged_in(request: Request) -> Viewer:
    """Who this browser's session belongs to, even if the password must be changed. Raises NotLoggedIn."""
    return _viewer(request, cookie_token(request))


def page(right: Right) -> Callable[[Viewer], Viewer]:
    """A dependency for reading pages: the viewer, who has this right. Raises NotLoggedIn, MustChangePassword or Forbidden."""

    def check(viewer: Annotated[Viewer, Depends(logged_in)]) -> Viewer:
        return _require(viewer, right)

    return check


def own_form(viewer: Annotated[Viewer, Depends(logged_in)], csrf: Annotated[str, Form(max_length=100)] = "") -> Viewer:
    """A dependency for forms about one's own account: the form was issued to this session. Raises FormExpired."""
    if not hmac.compare_digest(csrf.encode(), viewer.csrf_token.encode()):
        raise FormExpired("this form was not issued to this session: open the page again")
    return viewer


def form(right: Right) -> Callable[[Viewer], Viewer]:
    """A dependency for forms: the viewer has this right and the form was issued to this session."""

    def check(viewer: Annotated[Viewer, Depends(own_form)]) -> Viewer:
        return _require(viewer, right)

    return check


def api_token(request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    """The bearer token; for reading, the cookie will do. Raises NotLoggedIn."""
    if credentials is not None:
        return credentials.credentials
    if request.method not in _SAFE:
        raise NotLoggedIn("a change over the API needs `Authorization: Bearer ...`: POST /api/login gives the token")
    return cookie_token(request)


def api_viewer(request: Request, token: Annotated[str, Depends(api_token)]) -> Viewer:
    """Who a program asks for, even if the password must be changed. Raises NotLoggedIn."""
    return _viewer(request, token)


def api(right: Right) -> Callable[[Viewer], Viewer]:
    """A dependency for the API: the viewer, who has this right."""

    def check(viewer: Annotated[Viewer, Depends(api_viewer)]) -> Viewer:
        return _require(viewer, right)

    return check


def known_viewer(request: Request) -> Viewer | None:
    """Who was found to be asking, if the request came that far; for error pages."""
    return getattr(request.state, "viewer", None)


def _viewer(request: Request, token: str) -> Viewer:
    centre = centre_of(request)
    with reading(centre.engine).begin() as db:
        viewer = service.viewer_of(db, token=token, now=centre.now())
    if viewer is None:
        raise NotLoggedIn("the session has ended: log in again")
    request.state.viewer = viewer
    return viewer


def _require(viewer: Viewer, right: Right) -> Viewer:
    if viewer.must_change_password:
        raise MustChangePassword(f"{viewer.username} must change the password first")
    if not viewer.may(right):
        raise Forbidden(f"{viewer.username} ({viewer.role}) may not do this: it needs the right {right}")
    return viewer
