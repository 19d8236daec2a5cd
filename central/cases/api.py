"""Findings for programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, status
from pydantic import BaseModel, ConfigDict, Field

from central.cases import service
from central.cases.model import MAX_REASON, FindingPage, FindingView, Group, GroupPage, Status, Verdict
from central.db import reading
from central.web import guard
from central.web.guard import Right, Viewer

router = APIRouter(prefix="/api/findings", tags=["findings"])
READER = [Depends(guard.api(Right.READ_FINDINGS))]
Choice = Annotated[str | None, Query(max_length=40)]


class Review(BaseModel):
    """What a person decided, and why."""

    model_config = ConfigDict(extra="forbid")
    verdict: Verdict
    reason: str = Field(min_length=1, max_length=MAX_REASON)


@router.get("", dependencies=READER)
def findings(
    request: Request,
    status: Status | None = None,
    rule_id: Choice = None,
    fixmedins_code: Choice = None,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> FindingPage:
    """Findings, newest first."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return service.list_findings(db, status=status, rule_id=rule_id, fixmedins_code=fixmedins_code, page=page, size=size)


@router.get("/groups", dependencies=READER)
def groups(
    request: Request,
    only_open: bool = True,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> GroupPage:
    """Findings that belong together, those groups first that moved last."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return service.list_groups(db, only_open=only_open, page=page, size=size)


@router.get("/groups/{group_id}", dependencies=READER)
def group(request: Request, group_id: str) -> Group:
    """One group with its findings and what they share."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return service.group(db, group_id)


@router.get("/{jr_id}", dependencies=READER)
def finding(request: Request, jr_id: str) -> FindingView:
    """One finding with its reviews."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return service.get(db, jr_id)


@router.post("/{jr_id}/reviews", status_code=status.HTTP_201_CREATED)
def review(request: Request, body: Review, viewer: Annotated[Viewer, Depends(guard.api(Right.REVIEW))], jr_id: str) -> None:
    """Confirm or dismiss a finding. 409 if it is withdrawn or already reviewed."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        service.review(db, jr_id=jr_id, verdict=body.verdict, reason=body.reason, actor=viewer.username, now=centre.now())
