"""Pages of indicators: who stands how, one subject with its trends, and both as tables for spreadsheets."""

from datetime import date, timedelta
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from central.db import reading
from central.errors import BadInput
from central.indicators import service, shown, telling
from central.indicators.api import export, limits_of, table
from central.indicators.model import BY_ID, Level, Scope
from central.indicators.telling import Answer, Asked, Sort
from central.sites import service as sites
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer

router = APIRouter(include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.READ_FINDINGS))]
Choice = Annotated[str, Query(max_length=40)]
SIZE = 40
TREND_DAYS = 91
_WRITERS = MappingProxyType({"value": shown.value, "interval": shown.interval, "share": shown.share})


def asked_for(
    scope: Choice = "",
    indicator: Choice = "",
    region: Choice = "",
    kind: Choice = "",
    level: Choice = "",
    day: Choice = "",
    sort: Choice = "",
    turned: Choice = "",
) -> Asked:
    """What a list is asked for; an empty choice is none. Raises BadInput, naming the value."""
    if indicator and indicator not in BY_ID:
        raise BadInput(f"indicator {indicator!r} is none of {', '.join(BY_ID)}")
    try:
        return Asked(
            scope=Scope(scope or Scope.INSTITUTION),
            indicator=indicator,
            region=region.strip(),
            kind=kind,
            level=Level(level).value if level else "",
            day=date.fromisoformat(day) if day else None,
            sort=Sort(sort or Sort.LEVEL),
            turned=bool(turned),
        )
    except ValueError as error:
        raise BadInput(f"indicators: {error}") from None


Wanted = Annotated[Asked, Depends(asked_for)]


@router.get("/indicators")
def indicators_page(request: Request, viewer: Reader, asked: Wanted, page: Annotated[int, Query(ge=1, le=1_000_000)] = 1) -> HTMLResponse:
    """Who stands how on a day, gravest first."""
    limits = limits_of(request)
    with reading(guard.centre_of(request).engine).begin() as db:
        found = telling.answer(db, limits, asked)
        names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
    told = {
        "found": found,
        "page": {"page": page, "size": SIZE, "total": len(found.rows)},
        "rows": found.rows[(page - 1) * SIZE : page * SIZE],
        "names": names,
        "asked": asked,
        "query": _query(asked),
        "choices": {"scope": tuple(Scope), "level": tuple(Level)[:4], "indicator": tuple(BY_ID)},
        "tally": _tally(found),
        "limits": limits,
        **_WRITERS,
    }
    return console_of(request).page(request, "indicators.html", viewer=viewer, shown=told)


@router.get("/indicators.csv")
def indicators_csv(request: Request, viewer: Reader, asked: Wanted) -> Response:
    """The same list, whole, as a table for spreadsheets; noted in the audit log."""
    return export(request, viewer, asked)


@router.get("/indicators/{scope}/{code}")
def subject_page(request: Request, viewer: Reader, scope: Scope, code: str, day: Choice = "") -> HTMLResponse:
    """One subject: every indicator with its peers, and how it went over the last quarter."""
    limits, asked = limits_of(request), asked_for(scope=scope.value, day=day)
    with reading(guard.centre_of(request).engine).begin() as db:
        found = telling.answer(db, limits, asked)
        until = telling.number_of(found.day) if found.day else 0
        since = until - TREND_DAYS + 1
        days = service.by_day(db, scope=scope, code=code, since=since, until=until)
        names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
    told = next((each for each in found.rows if each.subject.code == code), None)
    standings = {} if told is None else told.standings
    present = {
        "found": found,
        "told": told,
        "scope": scope,
        "code_of": code,
        "name": names.get(code, ""),
        "standings": standings,
        "charts": {name: shown.chart(name, days, since, until, standings.get(name)) for name in shown.counted(days)},
        "limits": limits,
        "trend_days": TREND_DAYS,
        **_WRITERS,
    }
    return console_of(request).page(request, "indicator_subject.html", viewer=viewer, shown=present)


@router.get("/indicators/{scope}/{code}/days.csv")
def subject_csv(request: Request, viewer: Reader, scope: Scope, code: str, day: Choice = "") -> Response:
    """What was counted of one subject over the last year, day by day, as a table for spreadsheets; noted in the audit log."""
    centre, asked = guard.centre_of(request), asked_for(scope=scope.value, day=day)
    with centre.engine.begin() as db:
        last = asked.day or telling.day_of((service.span(db) or (0, 0))[1])
        since = telling.number_of(last - timedelta(days=365))
        days = service.by_day(db, scope=scope, code=code, since=since, until=telling.number_of(last))
        service.note_export(db, actor=viewer.username, now=centre.now(), scope=scope, day=f"{last} {code}", rows=len(days))
    return table(shown.days_csv(code, days), f"indicators-{scope.value}-{code if code.isalnum() else 'subject'}.csv")


def _query(asked: Asked) -> dict[str, Any]:
    """What the address says of it, so that pages, orders and downloads keep the rest."""
    said = {
        "scope": asked.scope.value,
        "indicator": asked.indicator,
        "region": asked.region,
        "kind": asked.kind,
        "level": asked.level,
        "day": asked.day.isoformat() if asked.day else "",
        "sort": asked.sort.value,
        "turned": "1" if asked.turned else "",
    }
    return {name: value for name, value in said.items() if value}


def _tally(found: Answer) -> dict[Level, int]:
    """How many figures have each level."""
    return {level: sum(len(each.at(level)) for each in found.rows) for level in Level}
