"""What goes wrong becomes a readable page for browsers and a JSON record for programs; what broke inside is told to neither."""

from contextlib import suppress
from urllib.parse import SplitResult, quote, urlsplit

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.datastructures import URL
from starlette.exceptions import HTTPException

from central.accounts.model import MustChangePassword, NotLoggedIn
from central.errors import CentralError
from central.web.console import console_of
from central.web.guard import known_viewer
from central.web.headers import HEADERS
from contract.sealed import Untrusted

_log = structlog.get_logger()


def install(app: FastAPI) -> None:
    """Give the application its handlers."""
    app.add_exception_handler(CentralError, _central)
    app.add_exception_handler(Untrusted, _untrusted)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def answer(request: Request, *, status: int, code: str, message: str) -> Response:
    """The fault in the form that the caller can read."""
    if _is_api(request):
        return JSONResponse({"code": code, "message": message}, status_code=status)
    shown = {"fault": code, "message": message, "status": status}
    return console_of(request).page(request, "fault.html", viewer=known_viewer(request), status=status, shown=shown)


def _central(request: Request, error: Exception) -> Response:
    assert isinstance(error, CentralError)  # noqa: S101 - registered for this class only
    if error.status >= 500 and error.status != 503:
        return _unexpected(request, error)
    if not _is_api(request) and isinstance(error, NotLoggedIn):
        return _go(request, "/login" if request.method != "GET" else f"/login?next={quote(_here(request), safe='')}")
    if not _is_api(request) and isinstance(error, MustChangePassword):
        return _go(request, "/account")
    response = answer(request, status=error.status, code=error.code, message=str(error))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _untrusted(request: Request, error: Exception) -> Response:
    _log.error("evidence.untrusted", path=request.url.path, reason=str(error))
    return answer(request, status=409, code="untrusted", message="the stored object is not what was sealed")


def _invalid(request: Request, error: Exception) -> Response:
    """Name the field and what is wrong, never the value: it may be a password."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"])
    return answer(request, status=422, code="bad_input", message=f"{place}: {first['msg']}")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    code = {404: "not_found", 405: "not_allowed"}.get(error.status_code, "error")
    response = answer(request, status=error.status_code, code=code, message=str(error.detail))
    response.headers.update(error.headers or {})
    return response


def _unexpected(request: Request, error: Exception) -> Response:
    """The outermost handler: its response passes no middleware, so it sets the headers itself.

    The server logs the trace of what is not ours; messages of strangers may hold personal data and are not repeated here.
    """
    _log.error(
        "web.unexpected", path=request.url.path, kind=type(error).__name__, reason=str(error) if isinstance(error, CentralError) else ""
    )
    response = answer(request, status=500, code="internal", message="the centre's log says more")
    response.headers.update({**HEADERS, "Cache-Control": "no-store"})
    return response


def _go(request: Request, address: str) -> Response:
    """A redirect that also moves the whole window when htmx asked for a part of a page."""
    if _is_part(request):
        return Response(status_code=200, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _here(request: Request) -> str:
    """The page that the visitor wants to see: the one that asked, where htmx asked for a part of it or for news."""
    here: URL | SplitResult = request.url
    with suppress(ValueError):  # what is no address
        shown = urlsplit(request.headers.get("HX-Current-URL", "") if _is_part(request) else "")
        here = shown if shown.path else here
    return here.path + (f"?{here.query}" if here.query else "")


def _is_part(request: Request) -> bool:
    return request.headers.get("HX-Request") == "true"
