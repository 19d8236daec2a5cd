"""Pages of the register of people: who is in it, what is kept of each, what waits for a decision."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Path, Query, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from central.db import reading
from central.errors import CentralError, NotFound
from central.evidence import service as evidence
from central.people import bulk, duplicates, service, views
from central.people.model import MAX_WORDS, Basis, BasisKind, Enrolment, Likeness, PictureUnusable, Verdict, words
from central.sites import service as sites
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer
from contract.commands import GalleryRole

router = APIRouter(prefix="/people", include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.SEE_PEOPLE))]
Keeper = Annotated[Viewer, Depends(guard.form(Right.ENROL))]
Decider = Annotated[Viewer, Depends(guard.form(Right.REVIEW))]
Looker = Annotated[Viewer, Depends(guard.form(Right.SEE_PICTURES))]
Onlooker = Annotated[Viewer, Depends(guard.page(Right.SEE_PICTURES))]
Number = Annotated[int, Query(ge=1, le=1_000_000)]
Entry = Annotated[int, Path(ge=1, le=2**31 - 1)]
PsnNo = Annotated[str, Path(max_length=30)]
Text = Annotated[str, Form()]
Day = Annotated[date | None, Form()]
SIZE = 30
ENROL_ROLES = (GalleryRole.INSURED, GalleryRole.STAFF)


@router.get("")
def people_page(
    request: Request,
    viewer: Reader,
    beginning: Annotated[str, Query(max_length=30)] = "",
    only: views.Only = views.Only.ALL,
    page: Number = 1,
) -> HTMLResponse:
    """Everybody whose number begins so, or only those of whom something is due, and the form to enrol somebody."""
    return _people(request, viewer, beginning=beginning.strip(), only=only, page=page)


@router.post("/enrol")
def enrol(  # noqa: PLR0913, PLR0917 - the fields of a form
    request: Request,
    viewer: Keeper,
    pictures: Annotated[list[UploadFile], File(max_length=20)],
    psn_no: Text = "",
    fixmedins_code: Text = "",
    role: Text = GalleryRole.INSURED,
    basis: Text = BasisKind.CONSENT,
    reference: Text = "",
    given_on: Text = "",
    last_day: Text = "",
    taken_on: Text = "",
) -> Response:
    """Enrol one person from pictures; why a picture cannot be used is said in the viewer's language."""
    centre = guard.centre_of(request)
    entered = {"psn_no": psn_no, "fixmedins_code": fixmedins_code, "role": role, "basis": basis, "reference": reference}
    entered |= {"given_on": given_on, "last_day": last_day, "taken_on": taken_on}
    try:
        wanted = Enrolment(
            psn_no=psn_no.strip(),
            pictures=tuple(picture.file.read() for picture in pictures),
            legal_basis=f"{basis} {reference}",
            fixmedins_code=fixmedins_code,
            role=views.chosen(GalleryRole, role),
            basis=Basis(
                kind=views.chosen(BasisKind, basis),
                reference=reference,
                given_on=views.day(given_on) or centre.now(),
                valid_until=views.last_day(last_day),
            ),
            taken_at=views.day(taken_on),
        )
        done = centre.registrar.enrol(wanted, actor=viewer.username)
    except CentralError as error:
        codes = error.codes if isinstance(error, PictureUnusable) else ()
        return _people(request, viewer, entered=entered | _fault(error), codes=codes, status=error.status)
    return RedirectResponse(f"/people/person/{done.psn_no}", status_code=303)


@router.get("/person/{psn_no}")
def person_page(request: Request, viewer: Reader, psn_no: PsnNo) -> HTMLResponse:
    """What is kept of one person; pictures are opened one by one, with a purpose."""
    return _person(request, viewer, psn_no)


@router.post("/person/{psn_no}/picture")
def picture(request: Request, viewer: Looker, psn_no: PsnNo, media_id: Text = "", purpose: Text = "") -> Response:
    """Open one enrolment picture for this view; who looked and what for goes into the audit log."""
    centre = guard.centre_of(request)
    try:
        why = words(purpose, "the purpose")
        with centre.engine.begin() as db:
            if media_id not in {row["media_id"] for row in service.kept_of(db, psn_no, now=centre.now()).templates}:
                raise NotFound("this picture does not belong to this person")
            plain = evidence.open_media(
                db, centre.keys, centre.pictures, media_id=media_id, actor=viewer.username, now=centre.now(), why=why[:MAX_WORDS]
            )
    except CentralError as error:
        return _person(
            request, viewer, psn_no, entered={"form": "picture", "purpose": purpose[:MAX_WORDS]} | _fault(error), status=error.status
        )
    return Response(plain.content, media_type=plain.content_type)


@router.post("/person/{psn_no}/basis")
def renew_basis(
    request: Request, viewer: Keeper, psn_no: PsnNo, basis: Text = "", reference: Text = "", given_on: Text = "", last_day: Text = ""
) -> Response:
    """Record a newer basis for holding the face."""
    centre = guard.centre_of(request)
    entered = {"form": "basis", "basis": basis, "reference": reference[:100], "given_on": given_on, "last_day": last_day}
    try:
        stated = Basis(
            kind=views.chosen(BasisKind, basis),
            reference=reference,
            given_on=views.day(given_on) or centre.now(),
            valid_until=views.last_day(last_day),
        )
        with centre.engine.begin() as db:
            service.record_basis(db, psn_no, stated, f"{basis} {reference}", now=centre.now(), actor=viewer.username)
    except CentralError as error:
        return _person(request, viewer, psn_no, entered=entered | _fault(error), status=error.status)
    return RedirectResponse(f"/people/person/{psn_no}", status_code=303)


@router.get("/duplicates")
def duplicates_page(request: Request, viewer: Reader, every: bool = False, page: Number = 1) -> HTMLResponse:
    """Doubtful identities that wait for a decision, or all of them."""
    with reading(guard.centre_of(request).engine).begin() as db:
        rows = views.duplicates(db, undecided=not every, page=page, size=SIZE)
    named = viewer.may(Right.SEE_PICTURES)
    shown = {"found": replace(rows, rows=tuple(duplicates.shown(one, named=named) for one in rows.rows)), "every": every}
    return console_of(request).page(request, "duplicates.html", viewer=viewer, shown=shown)


@router.get("/duplicates/{number}")
def duplicate_page(request: Request, viewer: Reader, number: Entry) -> HTMLResponse:
    """One of them, with both pictures for those who may see them."""
    return _duplicate(request, viewer, number)


@router.get("/duplicates/{number}/pictures/{side}")
def duplicate_picture(request: Request, viewer: Onlooker, number: Entry, side: Annotated[str, Path(pattern="^(new|known)$")]) -> Response:
    """The picture that was handed in, or the one that is enrolled; logged as a look for this decision."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        found = duplicates.get(db, number)
        whose = found.psn_no if found.finding is Likeness.PERHAPS and side == "new" else found.other_psn_no
        media_id = found.media_id if side == "new" and found.refused else service.picture_of(db, whose)
        if media_id is None:
            raise NotFound("this picture is not here any more")
        plain = evidence.open_media(
            db, centre.keys, centre.pictures, media_id=media_id, actor=viewer.username, now=centre.now(), why=f"duplicate {number}"
        )
    return Response(plain.content, media_type=plain.content_type)


@router.post("/duplicates/{number}")
def decide(request: Request, viewer: Decider, number: Entry, verdict: Text = "", reason: Text = "") -> Response:
    """Decide about a doubtful identity."""
    centre = guard.centre_of(request)
    try:
        with centre.engine.begin() as db:
            duplicates.decide(db, centre.pictures, number, verdict, reason, now=centre.now(), actor=viewer.username)
    except CentralError as error:
        return _duplicate(
            request, viewer, number, entered={"verdict": verdict, "reason": reason[:MAX_WORDS]} | _fault(error), status=error.status
        )
    return RedirectResponse(f"/people/duplicates/{number}", status_code=303)


@router.get("/registers")
def registers_page(request: Request, viewer: Reader, page: Number = 1) -> HTMLResponse:
    """Registers that were read, with what became of their lines."""
    with reading(guard.centre_of(request).engine).begin() as db:
        shown = {"found": views.registers(db, page=page, size=SIZE)}
    return console_of(request).page(request, "registers.html", viewer=viewer, shown=shown)


@router.get("/registers/{number}/faults.csv")
def faults_csv(request: Request, viewer: Annotated[Viewer, Depends(guard.page(Right.ENROL))], number: Entry) -> Response:  # noqa: ARG001
    """The lines that are not enrolled, as CSV."""
    with reading(guard.centre_of(request).engine).begin() as db:
        text = bulk.as_csv(bulk.faults_of(db, number))
    headers = {"Content-Disposition": f'attachment; filename="register-{number}-faults.csv"'}
    return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


def _people(
    request: Request,
    viewer: Viewer,
    *,
    beginning: str = "",
    only: views.Only = views.Only.ALL,
    page: int = 1,
    entered: Mapping[str, Any] | None = None,
    codes: tuple[str, ...] = (),
    status: int = 200,
) -> HTMLResponse:
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        shown = {
            "found": views.people(db, beginning, only, centre.settings.people, now=centre.now(), page=page, size=SIZE),
            "only": only.value,
            "beginning": beginning,
            "due": service.due(db, centre.settings.people, now=centre.now()),
            "count": service.newest_count(db),
            "old_before": views.old_before(centre.settings.people, centre.now()),
            "sites": sites.all_sites(db),
            "roles": ENROL_ROLES,
            "bases": tuple(BasisKind),
            "entered": entered or {},
            "codes": codes,
        }
    return console_of(request).page(request, "people.html", viewer=viewer, status=status, shown=shown)


def _person(request: Request, viewer: Viewer, psn_no: str, *, entered: Mapping[str, Any] | None = None, status: int = 200) -> HTMLResponse:
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        shown = {
            "kept": service.kept_of(db, psn_no, now=centre.now()),
            "psn_no": psn_no,
            "now": centre.now(),
            "old_before": views.old_before(centre.settings.people, centre.now()),
            "names": {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)},
            "entered": entered or {},
            "bases": tuple(BasisKind),
            "max_words": MAX_WORDS,
        }
    return console_of(request).page(request, "person.html", viewer=viewer, status=status, shown=shown)


def _duplicate(
    request: Request, viewer: Viewer, number: int, *, entered: Mapping[str, Any] | None = None, status: int = 200
) -> HTMLResponse:
    with reading(guard.centre_of(request).engine).begin() as db:
        found = duplicates.shown(duplicates.get(db, number), named=viewer.may(Right.SEE_PICTURES))
    oneself = found.psn_no == found.other_psn_no
    shown = {"found": found, "oneself": oneself, "verdicts": tuple(Verdict), "entered": entered or {}, "max_words": MAX_WORDS}
    return console_of(request).page(request, "duplicate.html", viewer=viewer, status=status, shown=shown)


def _fault(error: CentralError) -> dict[str, str]:
    return {"fault": error.code, "fault_message": str(error)}
