"""The register of people for programs."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Path, Request, UploadFile, status
from pydantic import BaseModel, ConfigDict, Field

from central.db import reading
from central.people import duplicates, service, watch
from central.people.days import after_day, local_day
from central.people.model import Basis, BasisKind, Duplicate, Enrolment, ExemptReason, NewWatch, Proxy, Verdict
from central.people.service import Due
from central.web import guard
from central.web.guard import Right, Viewer
from contract.commands import GalleryRole
from contract.ids import PsnNo

router = APIRouter(prefix="/api/people", tags=["people"])
Reader = Annotated[Viewer, Depends(guard.api(Right.SEE_PEOPLE))]
Keeper = Annotated[Viewer, Depends(guard.api(Right.ENROL))]
Decider = Annotated[Viewer, Depends(guard.api(Right.REVIEW))]
Watcher = Annotated[Viewer, Depends(guard.api(Right.KEEP_WATCH))]
Site = Annotated[str, Field(max_length=12)]
Words = Annotated[str, Field(min_length=1, max_length=500)]
Reference = Annotated[str, Field(min_length=1, max_length=100)]
Entry = Annotated[int, Path(ge=1, le=2**31 - 1)]
MAX_PICTURES = 20


class Enrolled(BaseModel):
    """What was kept: never the template or the picture themselves. `embedders` are the networks that a template was made with.

    `duplicate_id` names the entry where people are asked to look, because the picture resembles another person's a little.
    """

    psn_no: str
    embedders: tuple[str, ...]
    source: str
    duplicate_id: int | None


class Said(BaseModel):
    """What every change says."""

    model_config = ConfigDict(extra="forbid")


class NewProxy(Said):
    """Local days; the last one counts whole."""

    psn_no: PsnNo
    proxy_psn_no: PsnNo
    first_day: date
    last_day: date
    reason: Words


class EndProxy(Said):
    """Ends every entry of these two that stands."""

    psn_no: PsnNo
    proxy_psn_no: PsnNo
    reason: Words


class NewExemption(Said):
    """`sites` are those whose windows should know, besides those that expect the person already; without a last day it has no end."""

    psn_no: PsnNo
    reason: ExemptReason
    note: Annotated[str, Field(max_length=500)] = ""
    last_day: date | None = None
    sites: Annotated[tuple[Site, ...], Field(max_length=100)] = ()


class Why(Said):
    """Why something ends."""

    reason: Words


class NewWatchEntry(Said):
    """A written decision: its number, who decided, on which day, and until when."""

    psn_no: PsnNo
    fixmedins_code: Site
    document: Reference
    decided_by: Reference
    decided_on: date
    last_day: date
    reason: Words


class Post(Said):
    """Where and as what a person is expected; `reference` is the number that a site gives its staff."""

    fixmedins_code: Site
    role: GalleryRole
    reference: Annotated[str | None, Field(max_length=100)] = None
    last_day: date | None = None


class NewBasis(Said):
    """By which document the face may be held from now on; without a last day it has no end."""

    basis: BasisKind
    reference: Reference
    given_on: date
    last_day: date | None = None


class Decision(Said):
    """What a person decided after looking at both pictures."""

    verdict: Verdict
    reason: Words


class Number(BaseModel):
    """The number of a new entry."""

    number: int


@router.post("", status_code=status.HTTP_201_CREATED)
def enrol(  # noqa: PLR0913, PLR0917 - the fields of a form
    request: Request,
    viewer: Keeper,
    psn_no: Annotated[str, Form(max_length=30)],
    fixmedins_code: Annotated[str, Form(max_length=12)],
    legal_basis: Annotated[str, Form(max_length=500)],
    pictures: Annotated[list[UploadFile], File(min_length=1, max_length=MAX_PICTURES)],
    role: Annotated[GalleryRole, Form()] = GalleryRole.INSURED,
    basis: Annotated[BasisKind | None, Form()] = None,
    reference: Annotated[str, Form(max_length=100)] = "",
    given_on: Annotated[date | None, Form()] = None,
    last_day: Annotated[date | None, Form()] = None,
    taken_on: Annotated[date | None, Form()] = None,
) -> Enrolled:
    """Enrol one person from pictures; several are fused. 400 names why a picture cannot be used, 404 an unknown site, 409 says that it
    waits for a decision. `basis`, with its reference and days, says by which document the face may be held.
    """
    centre = guard.centre_of(request)
    wanted = Enrolment(
        psn_no=psn_no,
        pictures=tuple(picture.file.read() for picture in pictures),
        legal_basis=legal_basis,
        fixmedins_code=fixmedins_code,
        role=role,
        basis=_basis(basis, reference, given_on, last_day, centre.now()),
        taken_at=None if taken_on is None else local_day(taken_on),
    )
    done = centre.registrar.enrol(wanted, actor=viewer.username)
    return Enrolled(psn_no=done.psn_no, embedders=done.embedders, source=done.source, duplicate_id=done.duplicate_id)


@router.get("/due")
def due(request: Request, viewer: Reader) -> Due:  # noqa: ARG001 - the right is checked
    """What waits for somebody."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        return service.due(db, centre.settings.people, now=centre.now())


@router.get("/duplicates/{number}")
def duplicate(request: Request, viewer: Reader, number: Entry) -> Duplicate:
    """One entry of the register of doubtful identities; `other_psn_no` is empty for who may not see pictures. 404 for another number."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return duplicates.shown(duplicates.get(db, number), named=viewer.may(Right.SEE_PICTURES))


@router.post("/duplicates/{number}/decision")
def decide(request: Request, viewer: Decider, number: Entry, body: Decision) -> Duplicate:
    """Decide about a doubtful identity. 409 if it was decided before."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        return duplicates.decide(db, centre.pictures, number, body.verdict, body.reason, now=centre.now(), actor=viewer.username)


@router.post("/proxies", status_code=status.HTTP_204_NO_CONTENT)
def register_proxy(request: Request, viewer: Keeper, body: NewProxy) -> None:
    """Register a proxy (代办人). 400 for one too many, too long, or without a reason."""
    centre = guard.centre_of(request)
    proxy = Proxy(
        psn_no=body.psn_no,
        proxy_psn_no=body.proxy_psn_no,
        valid_from=local_day(body.first_day),
        valid_to=after_day(body.last_day),
        reason=body.reason,
    )
    with centre.engine.begin() as db:
        service.register_proxy(db, proxy, now=centre.now(), actor=viewer.username, limits=centre.settings.people)


@router.post("/proxies/end", status_code=status.HTTP_204_NO_CONTENT)
def end_proxy(request: Request, viewer: Keeper, body: EndProxy) -> None:
    """End a proxy before its time; the entry stays on record."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        service.end_proxy(db, body.psn_no, body.proxy_psn_no, body.reason, now=centre.now(), actor=viewer.username)


@router.post("/exceptions", status_code=status.HTTP_201_CREATED)
def add_exemption(request: Request, viewer: Keeper, body: NewExemption) -> Number:
    """Except somebody who cannot or will not use the face: the till checks by hand at once."""
    centre = guard.centre_of(request)
    until = None if body.last_day is None else after_day(body.last_day)
    entered = {"note": body.note, "valid_until": until, "fixmedins_codes": body.sites}
    with centre.engine.begin() as db:
        number = service.add_exemption(db, body.psn_no, body.reason, **entered, now=centre.now(), actor=viewer.username)  # type: ignore[arg-type]
    return Number(number=number)


@router.post("/exceptions/{number}/end", status_code=status.HTTP_204_NO_CONTENT)
def end_exemption(request: Request, viewer: Keeper, number: Entry, body: Why) -> None:
    """End an exception before its time."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        service.end_exemption(db, number, body.reason, now=centre.now(), actor=viewer.username)


@router.post("/watch", status_code=status.HTTP_201_CREATED)
def enter_watch(request: Request, viewer: Watcher, body: NewWatchEntry) -> Number:
    """Enter somebody into the watch list by a written decision; nothing is watched for before another person confirms it."""
    centre = guard.centre_of(request)
    new = NewWatch(
        **body.model_dump(include={"psn_no", "fixmedins_code", "document", "decided_by", "reason"}),
        decided_on=local_day(body.decided_on),
        valid_until=after_day(body.last_day),
    )
    with centre.engine.begin() as db:
        number = watch.enter(db, new, most_days=centre.settings.people.watch_days, now=centre.now(), actor=viewer.username)
    return Number(number=number)


@router.post("/watch/{number}/confirm", status_code=status.HTTP_204_NO_CONTENT)
def confirm_watch(request: Request, viewer: Watcher, number: Entry) -> None:
    """Put an entry into force; 409 for who entered it."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        watch.confirm(db, number, now=centre.now(), actor=viewer.username)


@router.post("/watch/{number}/end", status_code=status.HTTP_204_NO_CONTENT)
def end_watch(request: Request, viewer: Watcher, number: Entry, body: Why) -> None:
    """End an entry before its time."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        watch.end(db, number, body.reason, now=centre.now(), actor=viewer.username)


@router.post("/{psn_no}/basis", status_code=status.HTTP_204_NO_CONTENT)
def renew_basis(request: Request, viewer: Keeper, psn_no: PsnNo, body: NewBasis) -> None:
    """Record a newer basis for holding the face of somebody who is enrolled; the terminals may compare again."""
    centre = guard.centre_of(request)
    until = None if body.last_day is None else after_day(body.last_day)
    stated = Basis(kind=body.basis, reference=body.reference, given_on=local_day(body.given_on), valid_until=until)
    with centre.engine.begin() as db:
        service.record_basis(db, psn_no, stated, f"{body.basis} {body.reference}", now=centre.now(), actor=viewer.username)


@router.post("/{psn_no}/places", status_code=status.HTTP_204_NO_CONTENT)
def expect(request: Request, viewer: Keeper, psn_no: PsnNo, body: Post) -> None:
    """Let a site expect a person who is enrolled: as insured, or as its staff."""
    centre = guard.centre_of(request)
    until = None if body.last_day is None else after_day(body.last_day)
    with centre.engine.begin() as db:
        place = {"reference": body.reference, "valid_until": until, "now": centre.now(), "actor": viewer.username}
        service.expect(db, psn_no, body.fixmedins_code, body.role, **place)  # type: ignore[arg-type]


@router.delete("/{psn_no}/places/{fixmedins_code}", status_code=status.HTTP_204_NO_CONTENT)
def expect_no_more(request: Request, viewer: Keeper, psn_no: PsnNo, fixmedins_code: str) -> None:
    """A site expects a person no more; its terminals forget them."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        service.expect_no_more(db, psn_no, fixmedins_code, now=centre.now(), actor=viewer.username)


def _basis(kind: BasisKind | None, reference: str, given_on: date | None, last_day: date | None, now: datetime) -> Basis | None:
    if kind is None:
        return None
    until = None if last_day is None else after_day(last_day)
    return Basis(kind=kind, reference=reference, given_on=now if given_on is None else local_day(given_on), valid_until=until)
