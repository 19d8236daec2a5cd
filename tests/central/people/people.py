"""Requests and templates for tests of the register of people."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from central.people import service as people
from central.people.enrolment import Enrolled
from central.people.model import Basis, BasisKind, Enrolment
from central.wiring import Centre
from contract.commands import Gallery, GalleryPage, GalleryRole
from contract.sealed import from_text, gallery_purpose, unseal
from models.results import Quality, Template
from tests import builders
from tests.central.building import Terminal, unit_vector

NOW = builders.AT
NETWORK = "net-1"
CONSENT = Basis(kind=BasisKind.CONSENT, reference="C-1", given_on=NOW - timedelta(days=1))


def request(psn_no: str = "PSN-1", **changes: Any) -> Enrolment:
    fields = {"psn_no": psn_no, "pictures": (f"jpeg of {psn_no}".encode(),), "legal_basis": "consent", "fixmedins_code": builders.SITE}
    return Enrolment(**({**fields, "role": GalleryRole.INSURED} | changes))


def template(vector: np.ndarray, version: str = NETWORK) -> Template:
    quality = Quality(**dict.fromkeys(Quality.__dataclass_fields__, 0.5))
    return Template(vector=np.asarray(vector, np.float32), version=version, quality=quality, source="picture")


def admit(centre: Centre, psn_no: str, vector: np.ndarray | None = None, *, actor: str = "clerk", **changes: Any) -> Enrolled:
    made = template(unit_vector(psn_no) if vector is None else vector)
    return centre.registrar.admit(request(psn_no, **changes), (made,), actor=actor)


def page(centre: Centre, terminal: Terminal, version: int = 0, now: datetime = NOW) -> GalleryPage:
    """The next page that a terminal gets, opened with its key; an empty one if it is up to date."""
    command = command_for(centre, terminal, version, now)
    if command is None:
        return GalleryPage(hold=(), forget=())
    return GalleryPage.model_validate_json(unseal(from_text(command.page), terminal.seal_key, gallery_purpose(terminal.device_id)))


def command_for(centre: Centre, terminal: Terminal, version: int = 0, now: datetime = NOW) -> Gallery | None:
    with centre.engine.begin() as db:
        return people.gallery_command(db, centre.keys, terminal.device_id, version, now=now, days=30)
