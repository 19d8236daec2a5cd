"""Enrolment for programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile, status
from pydantic import BaseModel

from central.people import service
from central.people.model import Enrolment
from central.web import guard
from central.web.guard import Right, Viewer
from contract.commands import GalleryRole

router = APIRouter(prefix="/api/people", tags=["people"])
MAX_PICTURES = 20


class Enrolled(BaseModel):
    """What was kept: never the template or the picture themselves. `embedders` are the networks that a template was made with."""

    psn_no: str
    embedders: tuple[str, ...]
    source: str


@router.post("", status_code=status.HTTP_201_CREATED)
def enrol(
    request: Request,
    viewer: Annotated[Viewer, Depends(guard.api(Right.ENROL))],
    psn_no: Annotated[str, Form(max_length=30)],
    fixmedins_code: Annotated[str, Form(max_length=12)],
    legal_basis: Annotated[str, Form(max_length=500)],
    pictures: Annotated[list[UploadFile], File(min_length=1, max_length=MAX_PICTURES)],
    role: Annotated[GalleryRole, Form()] = GalleryRole.INSURED,
) -> Enrolled:
    """Enrol one person from pictures; several are fused. 400 names why a picture cannot be used, 404 an unknown site."""
    centre = guard.centre_of(request)
    data = tuple(picture.file.read() for picture in pictures)
    wanted = Enrolment(psn_no=psn_no, pictures=data, legal_basis=legal_basis, fixmedins_code=fixmedins_code, role=role)
    service.check(wanted)
    templates = centre.enroller.templates(psn_no, data)
    with centre.engine.begin() as db:
        service.enrol(db, centre.keys, centre.pictures, wanted, templates, now=centre.now(), actor=viewer.username)
    return Enrolled(psn_no=psn_no, embedders=tuple(made.version for made in templates), source=templates[0].source)
