"""What a person may ask of the centre, for programs: to be told, and to be forgotten."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from central.db import reading, scrub
from central.subjects import report, service
from central.subjects.model import Erased, Erasure, Held, Terminal, Why
from central.subjects.report import AccessReport
from central.web import guard
from central.web.guard import Right, Viewer
from contract.ids import PsnNo

router = APIRouter(prefix="/api/people", tags=["people"])
Keeper = Annotated[Viewer, Depends(guard.api(Right.ENROL))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Reference = Annotated[str, Field(min_length=1, max_length=100)]
STATEMENT = "application/jose"


class Asked(BaseModel):
    """Why a face is erased, and the number of the person's request."""

    model_config = ConfigDict(extra="forbid")
    why: Why
    reference: Reference


class Proof(BaseModel):
    """What was erased, what must stay, and how far the terminals are. `statement` is the same, signed (compact JWS, typ `erasure`)."""

    number: int
    erased: tuple[Erased, ...]
    held: tuple[Held, ...]
    terminals: tuple[Terminal, ...]
    statement: str


@router.get("/{psn_no}/report")
def access(request: Request, viewer: Keeper, psn_no: PsnNo, reference: Annotated[str, Query(min_length=1, max_length=100)]) -> AccessReport:
    """A person's own access report; `reference` is the number of the request. That it was made is logged."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        return report.make(db, psn_no, reference, centre.settings, now=centre.now(), actor=viewer.username)


@router.post("/{psn_no}/erase", status_code=status.HTTP_201_CREATED)
def erase(request: Request, viewer: Keeper, psn_no: PsnNo, body: Asked) -> Proof:
    """Erase everything that shows this person's face. Cannot be undone. 409 where nothing is left."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        erasure = eraser(request, viewer).erase(db, psn_no, body.why, body.reference, now=centre.now())
        proof = _proof(request, db, erasure, erasure.statement)
    scrub(centre.engine)
    return proof


@router.get("/erasures/{number}")
def erasure(request: Request, viewer: Keeper, number: Number) -> Proof:
    """One erasing as it stands now, signed anew: terminals have confirmed since. Who asked is logged."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        found = service.get(db, number)
        return _proof(request, db, found, eraser(request, viewer).restate(db, found, now=centre.now()))


@router.get("/erasures/{number}/statement")
def statement(request: Request, viewer: Keeper, number: Number) -> Response:  # noqa: ARG001 - the right is checked
    """The statement as it was signed when the face was erased."""
    with reading(guard.centre_of(request).engine).begin() as db:
        found = service.get(db, number)
    return Response(found.statement, media_type=STATEMENT)


def eraser(request: Request, viewer: Viewer) -> service.Eraser:
    """What erases in this viewer's name."""
    centre = guard.centre_of(request)
    return service.Eraser(keys=centre.keys, files=centre.pictures, settings=centre.settings, actor=viewer.username)


def _proof(request: Request, db: Connection, found: Erasure, signed: bytes) -> Proof:
    centre = guard.centre_of(request)
    terminals = service.terminals_of(db, found, now=centre.now(), gallery_days=centre.settings.people.gallery_days)
    return Proof(number=found.erasure_id, erased=found.erased, held=found.held, terminals=terminals, statement=signed.decode())
