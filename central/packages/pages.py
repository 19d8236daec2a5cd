"""The page of a finding's evidence: reviews, holds and exports; and the button that exports."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from central.cases import dossier
from central.db import reading
from central.errors import BadInput, Conflict
from central.holds import service as holds
from central.holds.model import MAX_DOCUMENT, Kind, NewHold
from central.packages import service
from central.packages.api import deliver
from central.packages.model import MAX_PURPOSE, MAX_REASON, StampKind, StampResult
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer

router = APIRouter(include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.READ_FINDINGS))]
Taker = Annotated[Viewer, Depends(guard.form(Right.EXPORT_EVIDENCE))]
Examiner = Annotated[Viewer, Depends(guard.form(Right.STAMP_EVIDENCE))]
Holder = Annotated[Viewer, Depends(guard.form(Right.HOLD_EVIDENCE))]
Line = Annotated[str, Form(max_length=MAX_REASON)]
Chosen = Annotated[str, Form(max_length=40)]


@router.get("/findings/{jr_id}/evidence")
def evidence_page(request: Request, viewer: Reader, jr_id: str) -> HTMLResponse:
    """Reviews, holds and exports of a finding's evidence."""
    return _page(request, viewer, jr_id)


@router.post("/findings/{jr_id}/package")
def take(request: Request, viewer: Taker, jr_id: str, purpose: Annotated[str, Form()] = "") -> Response:
    """Export the package; the browser saves the zip."""
    if not 0 < len(purpose.strip()) <= MAX_PURPOSE:
        return _page(request, viewer, jr_id, fault="purpose_missing", status=422)
    return deliver(request, jr_id, purpose=purpose, actor=viewer.username)


@router.post("/findings/{jr_id}/stamps")
def stamp(request: Request, viewer: Examiner, jr_id: str, kind: Chosen = "", result: Chosen = "", reason: Line = "") -> Response:
    """Stamp the evidence as legally or technically reviewed."""
    if kind not in set(StampKind) or result not in set(StampResult):
        return _page(request, viewer, jr_id, fault="verdict_missing", status=422)
    centre = guard.centre_of(request)
    try:
        with centre.engine.begin() as db:
            told, said = StampKind(kind), StampResult(result)
            service.stamp(db, jr_id, kind=told, result=said, reason=reason, actor=viewer.username, now=centre.now())
    except BadInput as error:
        return _page(request, viewer, jr_id, fault="reason_missing", status=error.status)
    except Conflict as error:
        return _page(request, viewer, jr_id, fault="same_person", status=error.status)
    return _back(jr_id)


@router.post("/findings/{jr_id}/holds")
def hold(request: Request, viewer: Holder, jr_id: str, reason: Line = "", document: Line = "") -> Response:
    """Hold everything of this finding."""
    centre = guard.centre_of(request)
    try:
        with centre.engine.begin() as db:
            new = NewHold(kind=Kind.FINDING, subject=jr_id, reason=reason, document=document)
            service.hold(db, new, actor=viewer.username, now=centre.now())
    except BadInput as error:
        return _page(request, viewer, jr_id, fault="hold_incomplete", status=error.status)
    return _back(jr_id)


@router.post("/findings/{jr_id}/holds/{hold_id}")
def release(request: Request, viewer: Holder, jr_id: str, hold_id: int, step: Chosen = "", reason: Line = "") -> Response:
    """Ask for the release of a hold, confirm what somebody else asked for, or drop the request."""
    centre, who = guard.centre_of(request), viewer.username
    try:
        with centre.engine.begin() as db:
            if step == "ask":
                holds.ask_release(db, hold_id, reason=reason, actor=who, now=centre.now())
            elif step == "confirm":
                holds.confirm_release(db, hold_id, actor=who, now=centre.now())
            else:
                holds.refuse_release(db, hold_id, actor=who, now=centre.now())
    except BadInput as error:
        return _page(request, viewer, jr_id, fault="reason_missing", status=error.status)
    except Conflict as error:
        return _page(request, viewer, jr_id, fault=error.code, status=error.status)
    return _back(jr_id)


def _back(jr_id: str) -> RedirectResponse:
    return RedirectResponse(f"/findings/{jr_id}/evidence", status_code=303)


def _page(request: Request, viewer: Viewer, jr_id: str, *, fault: str | None = None, status: int = 200) -> HTMLResponse:
    with reading(guard.centre_of(request).engine).begin() as db:
        read = dossier.read(db, jr_id)
        shown = {
            "finding": read.finding,
            "marking": service.marking_of(db, read),
            "covers": service.covers(read),
            "stamps": service.stamps_of(db, jr_id),
            "holds": service.holds_about(db, jr_id),
            "packages": service.packages_of(db, jr_id),
        }
    limits = {"max_reason": MAX_REASON, "max_purpose": MAX_PURPOSE, "max_document": MAX_DOCUMENT}
    choices = {"kinds": tuple(StampKind), "results": tuple(StampResult), "fault": fault}
    return console_of(request).page(request, "evidence.html", viewer=viewer, status=status, shown=shown | limits | choices)
