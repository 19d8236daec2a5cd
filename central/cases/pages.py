"""Pages of findings: the list, one finding with its pictures, and the review."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from central.captures.model import CaptureView
from central.cases import dossier, service
from central.cases.model import MAX_REASON, Status, Verdict
from central.db import reading
from central.errors import BadInput, Conflict, NotFound
from central.evidence import service as evidence
from central.hotlist import service as hotlist
from central.linkage import service as linkage
from central.orders import service as orders
from central.orders.model import MAX_PURPOSE, Asking, DeviceGone, Order
from central.sites import service as sites
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer

router = APIRouter(include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.READ_FINDINGS))]
Onlooker = Annotated[Viewer, Depends(guard.page(Right.SEE_PICTURES))]
Reviewer = Annotated[Viewer, Depends(guard.form(Right.REVIEW))]
Asker = Annotated[Viewer, Depends(guard.form(Right.ASK_FILM))]
Choice = Annotated[str, Query(max_length=40)]
SIZE = 30


@router.get("/findings")
def findings_page(
    request: Request,
    viewer: Reader,
    status: Choice = "",
    rule_id: Choice = "",
    fixmedins_code: Choice = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """Findings of one status, rule and site where chosen, newest first. psn_no is masked."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        run = linkage.newest_run(db)
        found = service.list_findings(
            db, status=status or None, rule_id=rule_id or None, fixmedins_code=fixmedins_code or None, page=page, size=SIZE
        )
        names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
        rules = service.rule_ids(db)
    chosen = {"status": status, "rule_id": rule_id, "fixmedins_code": fixmedins_code}
    shown = {
        "run": run,
        "found": found,
        "names": names,
        "rules": rules,
        "statuses": tuple(Status),
        "chosen": chosen,
    }
    return console_of(request).page(request, "findings.html", viewer=viewer, shown=shown)


@router.get("/findings/{jr_id}")
def finding_page(request: Request, viewer: Reader, jr_id: str) -> HTMLResponse:
    """One finding, with everything that its evidence names."""
    return _finding(request, viewer, jr_id)


@router.post("/findings/{jr_id}/reviews")
def review(
    request: Request,
    viewer: Reviewer,
    jr_id: str,
    verdict: Annotated[Verdict | None, Form()] = None,
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Confirm or dismiss, with a reason."""
    if verdict is None:
        return _finding(request, viewer, jr_id, fault="verdict_missing", reason=reason, status=422)
    centre = guard.centre_of(request)
    try:
        with centre.engine.begin() as db:
            service.review(db, jr_id=jr_id, verdict=verdict, reason=reason, actor=viewer.username, now=centre.now())
    except BadInput as error:
        return _finding(request, viewer, jr_id, fault="reason_missing", reason=reason, status=error.status)
    except Conflict as error:
        return _finding(request, viewer, jr_id, fault=error.code, status=error.status)
    return RedirectResponse(f"/findings/{jr_id}", status_code=303)


@router.post("/findings/{jr_id}/film")
def ask_film(
    request: Request, viewer: Asker, jr_id: str, capture_id: Annotated[str, Form(max_length=100)] = "", purpose: Annotated[str, Form()] = ""
) -> Response:
    """Ask the terminal of one of its captures for the clip."""
    centre = guard.centre_of(request)
    try:
        with centre.engine.begin() as db:
            capture = dossier.read(db, jr_id).capture(capture_id)
            by = Asking(actor=viewer.username, purpose=purpose, at=centre.now())
            orders.ask_film(db, capture.device_id, msgid=capture.msgid, by=by)
    except (BadInput, Conflict, DeviceGone) as error:
        asked = {"capture_id": capture_id, "fault": error.code, "purpose": purpose[:MAX_PURPOSE]}
        return _finding(request, viewer, jr_id, asked=asked, status=error.status)
    return RedirectResponse(f"/findings/{jr_id}", status_code=303)


@router.get("/pictures/{media_id}")
def picture(request: Request, viewer: Onlooker, media_id: str, finding: Choice) -> Response:
    """Open one sealed picture or clip of a finding for this view; who looked, at what and why goes into the audit log."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        if not dossier.read(db, finding).shows(media_id):
            raise NotFound("this picture does not belong to this finding")
    with centre.engine.begin() as db:
        plain = evidence.open_media(
            db, centre.keys, centre.pictures, media_id=media_id, actor=viewer.username, now=centre.now(), why=f"finding {finding}"
        )
    return Response(plain.content, media_type=plain.content_type)


def _finding(
    request: Request,
    viewer: Viewer,
    jr_id: str,
    *,
    fault: str | None = None,
    reason: str = "",
    asked: Mapping[str, str] = MappingProxyType({}),
    status: int = 200,
) -> HTMLResponse:
    """`asked` is what somebody entered who asked for film and could not."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        read = dossier.read(db, jr_id)
        film = {each.capture.capture_id: _orders_about(db, each.capture, centre.now()) for each in read.sightings}
        names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
        group = service.group_of(db, jr_id)
        looks = hotlist.looks_at(db, read.finding.capture_ids)
        reviewed = sites.standing(db, read.finding.fixmedins_code, read.finding.occurred_at).reviewed
    shown = {
        "dossier": read,
        "unreviewed": not reviewed,
        "finding": read.finding,
        "looks": looks,
        "group": group,
        "names": names,
        "elsewhere": any(each.fixmedins_code != read.finding.fixmedins_code for each in read.settlements),
        "site_name": names.get(read.finding.fixmedins_code, ""),
        "verdicts": tuple(Verdict),
        "max_reason": MAX_REASON,
        "film": film,
        "asked": asked,
        "max_purpose": MAX_PURPOSE,
        "fault": fault,
        "reason": reason[:MAX_REASON],
    }
    return console_of(request).page(request, "finding.html", viewer=viewer, status=status, shown=shown)


def _orders_about(db: Connection, capture: CaptureView, now: datetime) -> tuple[Order, ...]:
    numbers = [number for number in (capture.msgid, capture.setl_id) if number is not None]
    return orders.about_settlement(db, capture.device_id, numbers, now=now)
