"""Pages on which a person's request is answered: the report of what is kept, and erasing with its proof."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from central.china import CHINA
from central.db import reading, scrub
from central.errors import CentralError
from central.people import service as people
from central.subjects import report, service
from central.subjects.api import STATEMENT, eraser
from central.subjects.model import Why
from central.subjects.wording import chinese, english
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer
from central.web.texts import Language, load

router = APIRouter(prefix="/people", include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.ENROL))]
Keeper = Annotated[Viewer, Depends(guard.form(Right.ENROL))]
PsnNo = Annotated[str, Path(max_length=30)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Text = Annotated[str, Form(max_length=200)]
ASKABLE = (Why.WITHDRAWN, Why.REQUEST, Why.ENDED)
BOTH = tuple(load(language) for language in Language)
"""What is handed to a person says everything in both languages, whatever the clerk reads."""


@router.get("/person/{psn_no}/requests")
def requests_page(request: Request, viewer: Reader, psn_no: PsnNo) -> HTMLResponse:
    """The forms for a person's requests, and the proofs of earlier ones."""
    return _requests(request, viewer, psn_no)


@router.post("/person/{psn_no}/report")
def access(request: Request, viewer: Keeper, psn_no: PsnNo, reference: Text = "") -> Response:
    """The access report, to be printed; that it was made is logged."""
    centre = guard.centre_of(request)
    try:
        with centre.engine.begin() as db:
            made = report.make(db, psn_no, reference, centre.settings, now=centre.now(), actor=viewer.username)
    except CentralError as error:
        return _requests(request, viewer, psn_no, fault=error)
    shown = {"report": made, "both": BOTH, "until": lambda one: report.kept_until(one, made.seen_days)}
    return console_of(request).page(request, "access.html", viewer=viewer, shown=shown)


@router.post("/person/{psn_no}/erase")
def erase(request: Request, viewer: Keeper, psn_no: PsnNo, why: Text = "", reference: Text = "", sure: Text = "") -> Response:
    """Erase; `sure` repeats the person's number, so that no slip of the hand erases anybody."""
    centre = guard.centre_of(request)
    try:
        asked = service.askable(why, psn_no, sure)
        with centre.engine.begin() as db:
            done = eraser(request, viewer).erase(db, psn_no, asked, reference, now=centre.now())
    except CentralError as error:
        return _requests(request, viewer, psn_no, fault=error)
    scrub(centre.engine)
    return RedirectResponse(f"/people/erasures/{done.erasure_id}", status_code=303)


@router.get("/erasures/{number}")
def erasure_page(request: Request, viewer: Reader, number: Number) -> HTMLResponse:
    """The proof as it stands now, in both languages."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        found = service.get(db, number)
        terminals = service.terminals_of(db, found, now=centre.now(), gallery_days=centre.settings.people.gallery_days)
    shown = {"found": found, "terminals": terminals, "zh": chinese(found, terminals), "en": english(found, terminals)}
    return console_of(request).page(request, "erasure.html", viewer=viewer, shown=shown)


@router.post("/erasures/{number}/statement")
def statement(request: Request, viewer: Keeper, number: Number) -> Response:
    """The statement as it is true now, signed anew."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        found = service.get(db, number)
        signed = eraser(request, viewer).restate(db, found, now=centre.now())
    name = f"erasure-{number}-{centre.now().astimezone(CHINA):%Y%m%d}.jws"
    return Response(signed, media_type=STATEMENT, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _requests(request: Request, viewer: Viewer, psn_no: str, *, fault: CentralError | None = None) -> HTMLResponse:
    with reading(guard.centre_of(request).engine).begin() as db:
        people.require_person(db, psn_no)
        shown = {"psn_no": psn_no, "erasures": service.of_person(db, psn_no), "reasons": ASKABLE, "fault": fault}
    return console_of(request).page(request, "subject.html", viewer=viewer, status=200 if fault is None else fault.status, shown=shown)
