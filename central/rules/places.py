"""Where something holds: everywhere, in a province, a city or a county (a prefix of admdvs, GB/T 2260), or at one institution. Pure."""

import re
from collections.abc import Iterable

from central.errors import BadInput

EVERYWHERE = ""
_REGION = re.compile(r"\d{2}|\d{4}|\d{6}")
_SITE = re.compile(r"[A-Z]?\d{11}")
_CODE_WITH_REGION = re.compile(r"[HP](\d{6})\d{5}")


def checked_scope(text: str) -> str:
    """A scope in its short form: 430000 is the province 43, 430100 the city 4301. Raises BadInput for what names no place."""
    scope = text.strip().upper()
    if scope == EVERYWHERE or _SITE.fullmatch(scope):
        return scope
    if not _REGION.fullmatch(scope):
        raise BadInput(f"{text[:40]!r} names no place: two, four or six digits of admdvs, a fixmedins_code, or nothing for everywhere")
    while len(scope) > 2 and scope.endswith("00"):
        scope = scope[:-2]
    return scope


def covers(scope: str, fixmedins_code: str, admdvs: str | None) -> bool:
    """Whether an institution lies in a scope. One that no register knows lies where its code says."""
    if scope in (EVERYWHERE, fixmedins_code):
        return True
    return len(scope) <= 6 and (admdvs or _region(fixmedins_code)).startswith(scope)


def most_specific(scopes: Iterable[str], fixmedins_code: str, admdvs: str | None) -> str | None:
    """The narrowest of the scopes that cover the institution, None if none does; a site's code is longer than any region's."""
    return max((scope for scope in scopes if covers(scope, fixmedins_code, admdvs)), key=len, default=None)


def _region(fixmedins_code: str) -> str:
    found = _CODE_WITH_REGION.fullmatch(fixmedins_code)
    return found[1] if found else ""
