"""Choosing the language of the pages."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from central.web import guard
from central.web.console import LANGUAGE_COOKIE
from central.web.texts import Language

router = APIRouter(include_in_schema=False)
_YEAR_S = 365 * 24 * 3600


@router.get("/language/{language}")
async def choose(request: Request, language: Language, back: str = "/") -> Response:
    """Remember the language in this browser and go back to the page."""
    response = RedirectResponse(inside(back), status_code=303)
    secure = guard.centre_of(request).settings.web.secure_cookies
    response.set_cookie(LANGUAGE_COOKIE, language.value, max_age=_YEAR_S, httponly=True, samesite="strict", secure=secure)
    return response


def inside(address: str) -> str:
    """The address if it is a page of this console, else its start: a link must not lead a visitor elsewhere."""
    parts = urlsplit(address)
    local = address.startswith("/") and not parts.scheme and not parts.netloc
    return address if local and "\\" not in address and address.isprintable() else "/"
