"""Indicators for programs."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from central.db import reading
from central.errors import BadInput
from central.indicators import service, shown, telling
from central.indicators.model import INDICATORS, Measure, Scope, Standing, Subject
from central.indicators.telling import Asked, Sort
from central.rules.model import IndicatorLimits
from central.rules.service import indicator_limits
from central.sites import service as sites
from central.web import guard
from central.web.guard import Right, Viewer

router = APIRouter(prefix="/api/indicators", tags=["indicators"])
Reader = Annotated[Viewer, Depends(guard.api(Right.READ_FINDINGS))]
Region = Annotated[str, Query(max_length=6, pattern="^[0-9]*$")]
Short = Annotated[str, Query(max_length=40)]
Code = Annotated[str, Query(max_length=40)]
MOST_DAYS = 400


class Meaning(BaseModel):
    """One indicator of the catalogue. `low_is_bad`: it warns below a low percentile, not above a high one."""

    id: str
    measure: Measure
    low_is_bad: bool
    by_doctor: bool


class Row(BaseModel):
    """One subject with its standings."""

    subject: Subject
    standings: list[Standing]


class Page(BaseModel):
    """The subjects asked for, those that come first; `total` counts all of them."""

    day: date | None
    total: int
    rows: list[Row]


class Day(BaseModel):
    """What was counted on one day, as [numerator, denominator] by indicator."""

    day: date
    counts: dict[str, tuple[int, int]]


@router.get("/catalogue", dependencies=[Depends(guard.api(Right.READ_FINDINGS))])
def catalogue() -> list[Meaning]:
    """What is counted."""
    return [Meaning(id=each.id, measure=each.measure, low_is_bad=each.low_is_bad, by_doctor=each.doctors) for each in INDICATORS]


@router.get("")
def standings(  # noqa: PLR0913, PLR0917 - what can be asked for
    request: Request,
    _viewer: Reader,
    scope: Scope = Scope.INSTITUTION,
    indicator: Short = "",
    region: Region = "",
    kind: Short = "",
    level: Short = "",
    day: date | None = None,
    sort: Sort = Sort.LEVEL,
    turned: bool = False,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Page:
    """How institutions, doctors or regions stand on a day, gravest first; with numerator, denominator, interval, peers and level."""
    asked = Asked(scope=scope, indicator=indicator, region=region, kind=kind, level=level, day=day, sort=sort, turned=turned)
    found = ask(request, asked)
    some = found.rows[(page - 1) * size : page * size]
    rows = [Row(subject=each.subject, standings=[one for one in each.standings.values() if one.figure is not None]) for each in some]
    return Page(day=found.day, total=len(found.rows), rows=rows)


@router.get("/{scope}/{code}/days")
def days(request: Request, _viewer: Reader, scope: Scope, code: str, since: date, until: date) -> list[Day]:
    """What was counted of one subject, day by day, both days included. 404 for one of which nothing was ever counted."""
    if not 0 <= (until - since).days < MOST_DAYS:
        raise BadInput(f"from {since} to {until}: give 1 to {MOST_DAYS} days, the first one first")
    with reading(guard.centre_of(request).engine).begin() as db:
        found = service.by_day(db, scope=scope, code=code, since=telling.number_of(since), until=telling.number_of(until))
    return [
        Day(day=telling.day_of(day), counts={name: (count.n, count.of) for name, count in counts.items() if count.of})
        for day, counts in found.items()
    ]


def limits_of(request: Request) -> IndicatorLimits:
    """The parameters that hold now."""
    return indicator_limits(guard.centre_of(request).settings.rules_file)


def ask(request: Request, asked: Asked) -> telling.Answer:
    """Who stands how."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return telling.answer(db, limits_of(request), asked)


def export(request: Request, viewer: Viewer, asked: Asked) -> StreamingResponse:
    """The same as a table for spreadsheets; who took it goes into the audit log."""
    centre = guard.centre_of(request)
    found = ask(request, asked)
    day = found.day or centre.now().date()
    with centre.engine.begin() as db:
        names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
        service.note_export(db, actor=viewer.username, now=centre.now(), scope=asked.scope, day=day.isoformat(), rows=len(found.rows))
    return table(shown.standings_csv(found.rows, day, asked.scope.value, names), f"indicators-{asked.scope.value}-{day}.csv")


def table(lines: Iterator[str], name: str) -> StreamingResponse:
    """Lines of CSV as a file that the browser saves."""
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})
