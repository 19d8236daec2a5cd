"""What the ledger says of each settlement and capture, what it said before and why; a past finding replayed; a stream of runs."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from central.audit import service as audit
from central.cases import service as cases
from central.claims import service as claims
from central.db import reading
from central.errors import BadInput, NotFound
from central.linkage import service as linkage
from central.linkage.model import Entry
from central.reconciliation.compare import compare
from central.rulebook import exhibits
from central.sites import service as sites
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer
from central.wiring import Centre

router = APIRouter(include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.READ_FINDINGS))]
Replayer = Annotated[Viewer, Depends(guard.form(Right.SEE_RULES))]
Onlooker = Annotated[Viewer, Depends(guard.page(Right.SEE_OVERVIEW))]
Name = Annotated[str, Query(max_length=96)]

LOOK_S = 0.25
"""Between two looks for a new run."""
BEAT_S = 15.0
"""Between two signs of life, so that nobody in between closes a quiet line."""
LONGEST_S = 600.0
"""A stream ends then and the browser asks again, so that a session that ended does not hear on."""


@router.get("/runs/stream")
async def stream(request: Request, viewer: Onlooker, known: Name = "") -> StreamingResponse:  # noqa: ARG001 - who may listen
    """An event `reconciled` with the number of each new run, and with that of the newest at once unless it is the one that the page shows.

    known: that one; a browser that comes back says itself of which it heard last.
    """
    told = _told(guard.centre_of(request), request.headers.get("last-event-id", known))
    return StreamingResponse(told, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _told(centre: Centre, known: str) -> AsyncIterator[str]:
    ends_s, beat_s = monotonic() + LONGEST_S, monotonic() + BEAT_S
    yield ": here\n\n"
    while monotonic() < ends_s:
        newest = str(await run_in_threadpool(_newest, centre))
        if newest != known:
            known = newest
            yield f"id: {newest}\nevent: reconciled\ndata: {newest}\n\n"
        elif monotonic() >= beat_s:
            beat_s = monotonic() + BEAT_S
            yield ": still here\n\n"
        await asyncio.sleep(LOOK_S)


def _newest(centre: Centre) -> int:
    with reading(centre.engine).begin() as db:
        return linkage.newest_run(db)


@router.get("/ledger")
def ledger_page(
    request: Request, viewer: Reader, side: Name = "settlement", code: Name = "", fixmedins_code: Name = "", page: int = 1
) -> HTMLResponse:
    """Every settlement or capture with its code, of one code and institution where chosen."""
    chosen = {"side": side, "code": code, "fixmedins_code": fixmedins_code}
    with reading(guard.centre_of(request).engine).begin() as db:
        found = linkage.entries(db, side, code=code or None, fixmedins_code=fixmedins_code or None, page=page)
        names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
    shown = {"found": found, "chosen": chosen, "codes": linkage.CODES[side], "names": names, "side": side}
    return console_of(request).page(request, "ledger.html", viewer=viewer, shown=shown)


@router.get("/ledger/{side}/{fixmedins_code}/{name:path}")
def entry_page(request: Request, viewer: Reader, side: str, fixmedins_code: str, name: str) -> HTMLResponse:
    """What the ledger says of one settlement or capture, what it said before and why, and how the claim was corrected."""
    with reading(guard.centre_of(request).engine).begin() as db:
        said = linkage.history(db, side, fixmedins_code, name)
        entry = _entry(db, side, fixmedins_code, name)
        if entry is None and not said:
            raise NotFound(f"no reconciliation has seen {side} {name[:96]!r} of {fixmedins_code[:12]}")
        claimed = claims.history(db, fixmedins_code, name) if side == "settlement" else []
        names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
    shown = {"entry": entry, "said": said, "claimed": claimed, "names": names, "side": side, "site": fixmedins_code, "name": name}
    return console_of(request).page(request, "ledger_entry.html", viewer=viewer, shown=shown)


@router.post("/findings/{jr_id}/replay")
def replay(request: Request, viewer: Replayer, jr_id: str) -> HTMLResponse:
    """Run the finding's rule over the rows that were kept with it, and show what comes out; who did it goes into the audit log."""
    centre = guard.centre_of(request)
    shown: dict[str, Any] = {"said": None, "fault": None}
    with reading(centre.engine).begin() as db:
        shown["finding"] = cases.get(db, jr_id)
        try:
            shown["said"] = exhibits.replay(db, jr_id, compare)
        except NotFound:
            shown["fault"] = "nothing_kept"
        except BadInput:
            shown["fault"] = "damaged"
    with centre.engine.begin() as db:
        same = None if shown["said"] is None else shown["said"].same
        audit.record(db, now=centre.now(), actor=viewer.username, action="finding.replay", object=jr_id, detail={"same": same})
    return console_of(request).page(request, "replay.html", viewer=viewer, shown=shown)


def _entry(db: Connection, side: str, fixmedins_code: str, name: str) -> Entry | None:
    try:
        return linkage.entry(db, side, fixmedins_code, name)
    except NotFound:
        return None
