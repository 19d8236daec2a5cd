"""Keys of devices, the hot list and second looks for programs."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, status
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from central.db import reading
from central.devices import service as devices
from central.devices.model import KeyPeriod
from central.hotlist import service as hotlist
from central.hotlist.model import MAX_REASON, MAX_VALUE, Decision, Entry, HotKind, LookPage
from central.web import guard
from central.web.guard import Right, Viewer
from contract.sealed import to_text

router = APIRouter(prefix="/api", tags=["trust"])
Onlooker = Annotated[Viewer, Depends(guard.api(Right.SEE_OVERVIEW))]
Reader = Annotated[Viewer, Depends(guard.api(Right.READ_FINDINGS))]
Reviewer = Annotated[Viewer, Depends(guard.api(Right.REVIEW))]
Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON)]


class KeyRow(BaseModel):
    """One key of a device for ever; public keys are base64url without padding, raw."""

    kid: str
    sign_public: str
    seal_public: str
    certificate: str | None
    valid_from: datetime
    offered_epoch: int | None
    offered_seq: int | None
    last_epoch: int | None
    last_seq: int | None
    retired_at: datetime | None
    revoked_at: datetime | None
    revoked_why: str | None


class AddEntry(BaseModel):
    """What nobody should rely on since when, and why."""

    model_config = ConfigDict(extra="forbid")
    kind: HotKind
    value: Annotated[str, Field(min_length=1, max_length=MAX_VALUE)]
    since: AwareDatetime
    reason: Reason


class EndEntry(BaseModel):
    """Why an entry ends."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason


class DecideLook(BaseModel):
    """What somebody says after a second look."""

    model_config = ConfigDict(extra="forbid")
    subject: Annotated[str, Field(max_length=96)]
    entry_id: int
    decision: Decision
    reason: Reason


@router.get("/devices/{device_id}/keys")
def keys(request: Request, viewer: Onlooker, device_id: str) -> list[KeyRow]:  # noqa: ARG001 - the guard
    """Every key that a device ever had, oldest first: old evidence is checked with it. 404 for a device that never was."""
    with reading(guard.centre_of(request).engine).begin() as db:
        devices.record_of(db, device_id)
        history = devices.key_history(db, device_id)
    return [_row(key) for key in history]


def _row(key: KeyPeriod) -> KeyRow:
    raw = {name: to_text(getattr(key, name)) for name in ("sign_public", "seal_public")}
    return KeyRow(**{name: getattr(key, name) for name in KeyRow.model_fields if name not in raw}, **raw)


@router.get("/hot-list")
def hot_list(request: Request, viewer: Reader, only_open: bool = False) -> list[Entry]:  # noqa: ARG001 - the guard
    """The hot list, newest first."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return list(hotlist.entries(db, only_open=only_open))


@router.post("/hot-list", status_code=status.HTTP_201_CREATED)
def add_entry(request: Request, viewer: Reviewer, body: AddEntry) -> dict[str, int]:
    """Put something on the list; what it told since then, and from now on, is queued for a second look."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        number = hotlist.distrust(db, body.kind, body.value, reason=body.reason, since=body.since, now=centre.now(), actor=viewer.username)
    return {"entry_id": number}


@router.post("/hot-list/{entry_id}/end", status_code=status.HTTP_204_NO_CONTENT)
def end_entry(request: Request, viewer: Reviewer, entry_id: int, body: EndEntry) -> None:
    """Take an entry off the list; what it queued stays queued."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        hotlist.end(db, entry_id, why=body.reason, now=centre.now(), actor=viewer.username)


@router.get("/second-looks")
def second_looks(
    request: Request,
    viewer: Reader,  # noqa: ARG001 - the guard
    decision: Annotated[str | None, Query(pattern="^(open|keep|distrust)$")] = None,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> LookPage:
    """What has to be looked at again, or was, newest first."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return hotlist.looks(db, decision=decision, page=page, size=size)


@router.post("/second-looks", status_code=status.HTTP_204_NO_CONTENT)
def decide(request: Request, viewer: Reviewer, body: DecideLook) -> None:
    """Say what one thinks after a second look, once. Nothing is deleted or changed by it."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        hotlist.decide(db, body.subject, body.entry_id, body.decision, reason=body.reason, now=centre.now(), actor=viewer.username)
