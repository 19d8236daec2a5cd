"""Pages and API of the audit log, for auditors."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from central.audit import service
from central.audit.model import AuditPage, ChainReport
from central.db import reading
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/audit", tags=["audit"], dependencies=[Depends(guard.api(Right.READ_AUDIT))])
Reader = Annotated[Viewer, Depends(guard.page(Right.READ_AUDIT))]
Number = Annotated[int, Query(ge=1, le=1_000_000)]
Name = Annotated[str, Query(max_length=64)]
Head = Annotated[str, Query(pattern="^([0-9a-f]{64})?$")]
SIZE = 50


@pages.get("/audit")
def audit_page(request: Request, viewer: Reader, page: Number = 1, actor: Name = "", action: Name = "") -> HTMLResponse:
    """The log, newest first."""
    with reading(guard.centre_of(request).engine).begin() as db:
        shown = {
            "log": service.entries(db, page=page, size=SIZE, actor=actor.strip() or None, action=action or None),
            "actions": service.actions(db),
            "actor": actor,
            "action": action,
        }
    return console_of(request).page(request, "audit.html", viewer=viewer, shown=shown)


@pages.get("/audit/chain")
def chain_page(request: Request, viewer: Reader, known_head: Head = "") -> HTMLResponse:
    """Walk over the whole chain and say what was found."""
    with reading(guard.centre_of(request).engine).begin() as db:
        report = service.verify_chain(db, known_head=known_head or None)
    return console_of(request).page(request, "chain.html", viewer=viewer, shown={"report": report, "known_head": known_head})


@api.get("")
def audit_api(request: Request, page: Number = 1, actor: Name = "", action: Name = "") -> AuditPage:
    """The log, newest first."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return service.entries(db, page=page, size=SIZE, actor=actor or None, action=action or None)


@api.get("/chain")
def chain_api(request: Request, known_head: Head = "") -> ChainReport:
    """Walk over the whole chain; `known_head` is the head noted after an earlier walk."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return service.verify_chain(db, known_head=known_head or None)
