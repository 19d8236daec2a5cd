"""Evidence packages, stamps and holds for programs; and how a package is delivered over HTTP, for the page too."""

from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Annotated

from fastapi import APIRouter, Depends, Request, status
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from central.cases import dossier
from central.db import reading
from central.holds import service as holds
from central.holds.model import MAX_DOCUMENT, Hold, Kind, NewHold
from central.packages import service
from central.packages.export import Exporter
from central.packages.model import MAX_PURPOSE, MAX_REASON, CannotWrite, Marking, Package, Stamp, StampKind, StampResult, new_package_id
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer
from central.web.texts import Language
from contract.sealed import to_text

router = APIRouter(prefix="/api", tags=["evidence"])
Reader = Annotated[Viewer, Depends(guard.api(Right.READ_FINDINGS))]
Taker = Annotated[Viewer, Depends(guard.api(Right.EXPORT_EVIDENCE))]
Examiner = Annotated[Viewer, Depends(guard.api(Right.STAMP_EVIDENCE))]
Holder = Annotated[Viewer, Depends(guard.api(Right.HOLD_EVIDENCE))]
Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON)]

_PIECE = 1 << 20


class Take(BaseModel):
    """What a package is exported for."""

    model_config = ConfigDict(extra="forbid")
    purpose: str = Field(min_length=1, max_length=MAX_PURPOSE)


class Examine(BaseModel):
    """What a reviewer of evidence found."""

    model_config = ConfigDict(extra="forbid")
    kind: StampKind
    result: StampResult
    reason: Reason


class Keep(BaseModel):
    """What to hold: a finding, a capture, or a terminal or site in a span of time."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    subject: str = Field(min_length=1, max_length=200)
    reason: Reason
    document: str = Field(min_length=1, max_length=MAX_DOCUMENT)
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class Release(BaseModel):
    """Why a hold is to end."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason


class Standing(BaseModel):
    """How the evidence of a finding stands."""

    marking: Marking
    stamps: tuple[Stamp, ...]
    holds: tuple[Hold, ...]
    packages: tuple[Package, ...]


@router.post("/findings/{jr_id}/package", response_class=StreamingResponse)
def take(request: Request, body: Take, viewer: Taker, jr_id: str) -> StreamingResponse:
    """Export the evidence package of a finding; the answer is the zip. Purpose and pictures are written to the audit log."""
    return deliver(request, jr_id, purpose=body.purpose, actor=viewer.username)


@router.get("/findings/{jr_id}/evidence")
def standing(request: Request, viewer: Reader, jr_id: str) -> Standing:
    """Whether the evidence may serve for a penalty, who reviewed it, what holds it, and every package that went out."""
    del viewer
    with reading(guard.centre_of(request).engine).begin() as db:
        return Standing(
            marking=service.marking_of(db, dossier.read(db, jr_id)),
            stamps=service.stamps_of(db, jr_id),
            holds=service.holds_about(db, jr_id),
            packages=service.packages_of(db, jr_id),
        )


@router.post("/findings/{jr_id}/stamps", status_code=status.HTTP_201_CREATED)
def stamp(request: Request, body: Examine, viewer: Examiner, jr_id: str) -> None:
    """Stamp the evidence as legally or technically reviewed. 409 where the same person did the other kind."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        service.stamp(db, jr_id, kind=body.kind, result=body.result, reason=body.reason, actor=viewer.username, now=centre.now())


@router.get("/packages/{sha256}")
def recognise(request: Request, viewer: Reader, sha256: str) -> Package:
    """The package with this SHA-256, if it was exported here."""
    del viewer
    with reading(guard.centre_of(request).engine).begin() as db:
        return service.recognise(db, sha256)


@router.get("/holds")
def every_hold(request: Request, viewer: Reader) -> tuple[Hold, ...]:
    """Every hold, released ones included, newest first."""
    del viewer
    with reading(guard.centre_of(request).engine).begin() as db:
        return holds.every(db)


@router.post("/holds", status_code=status.HTTP_201_CREATED)
def hold(request: Request, body: Keep, viewer: Holder) -> int:
    """Place a hold; its number."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        return service.hold(db, NewHold(**body.model_dump()), actor=viewer.username, now=centre.now())


@router.post("/holds/{hold_id}/release")
def ask_release(request: Request, body: Release, viewer: Holder, hold_id: int) -> None:
    """Ask that a hold be released; it keeps until another person confirms."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        holds.ask_release(db, hold_id, reason=body.reason, actor=viewer.username, now=centre.now())


@router.post("/holds/{hold_id}/confirm")
def confirm_release(request: Request, viewer: Holder, hold_id: int) -> None:
    """Release a hold for whose release somebody else asked."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        holds.confirm_release(db, hold_id, actor=viewer.username, now=centre.now())


@router.post("/holds/{hold_id}/refuse")
def refuse_release(request: Request, viewer: Holder, hold_id: int) -> None:
    """Drop the request for a release; the hold keeps."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        holds.refuse_release(db, hold_id, actor=viewer.username, now=centre.now())


def deliver(request: Request, jr_id: str, *, purpose: str, actor: str) -> StreamingResponse:
    """Make a package and send it piece by piece. Its file never has a name: nothing of it stays, however this ends. Raises CannotWrite."""
    centre, console = guard.centre_of(request), console_of(request)
    exporter = Exporter(
        engine=centre.engine,
        keys=centre.keys,
        files=centre.pictures,
        speakers=tuple(console.texts_in(language) for language in Language),
        witnesses={key.name: to_text(key.public) for key in centre.settings.transparency.witness_keys},
    )
    now, folder = centre.now(), centre.settings.data_dir
    try:
        with ExitStack() as stack:
            file = stack.enter_context(TemporaryFile(dir=folder))
            made = exporter.write(jr_id, file, package_id=new_package_id(now), purpose=purpose, actor=actor, now=now)
            stack.pop_all()
    except OSError as error:
        raise CannotWrite(f"folder {folder}: {error.strerror}: free some room; nothing was left there") from None
    headers = {
        "Content-Disposition": f'attachment; filename="{made.package_id}.zip"',
        "Content-Length": str(made.size),
        "X-Package-SHA256": made.sha256,
    }
    return StreamingResponse(_pieces(file), media_type="application/zip", headers=headers)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
