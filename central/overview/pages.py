"""The overview as a page and for programs."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from central.db import reading
from central.linkage import service as linkage
from central.overview import service
from central.overview.service import Overview
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer
from contract.events import Outcome

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api", tags=["overview"])


@pages.get("/")
def overview_page(request: Request, viewer: Annotated[Viewer, Depends(guard.page(Right.SEE_OVERVIEW))]) -> HTMLResponse:
    """How everything stands."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        run = linkage.newest_run(db)
        found = service.read(db, now=centre.now())
        newest = service.newest_open(db) if viewer.may(Right.READ_FINDINGS) else None
    table = _by_day(found)
    order = [*Outcome, *sorted({row.outcome for row in found.outcomes} - set(Outcome))]
    present = [outcome for outcome in order if any(outcome in counts for counts in table.values())]
    shown = {
        "run": run,
        "found": found,
        "newest": newest,
        "names": {site.fixmedins_code: site.fixmedins_name for site in found.sites},
        "by_day": table,
        "present": present,
        "chart": _chart(request, table, present),
    }
    return console_of(request).page(request, "overview.html", viewer=viewer, shown=shown)


@api.get("/overview", dependencies=[Depends(guard.api(Right.SEE_OVERVIEW))])
def overview_api(request: Request) -> Overview:
    """Sites, devices, findings by status, both ledgers, outcomes of the last days, refused messages."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        return service.read(db, now=centre.now())


def _by_day(found: Overview) -> dict[date, dict[str, int]]:
    table: dict[date, dict[str, int]] = {day: {} for day in found.days}
    for row in found.outcomes:
        table.setdefault(row.day, {})[row.outcome] = row.captures
    return table


def _chart(request: Request, table: dict[date, dict[str, int]], present: list[str]) -> dict[str, Any]:
    """What static/overview.js draws: one series for each outcome, in the viewer's language."""
    texts = console_of(request).texts_for(request)
    series = [
        {"code": outcome, "name": texts.code("outcome", outcome), "counts": [counts.get(outcome, 0) for counts in table.values()]}
        for outcome in present
    ]
    return {"days": [f"{day:%m-%d}" for day in table], "series": series}
