"""Enrol people and keep what is registered of them. `enrolment` decides whether a picture may be enrolled; here it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import JsonValue
from sqlalchemy import Connection, RowMapping

from central.arrow import read_table
from central.audit import service as audit
from central.errors import BadInput, NotFound
from central.evidence import service as evidence
from central.evidence.objects import EvidenceStore
from central.keys import CentreKeys
from central.people import lists, store
from central.people.counts import FaceCount, count_faces, newest_count
from central.people.exemptions import add_exemption, end_exemption
from central.people.gallery import gallery_command, newest_changes, renew_galleries, tell_sites, template_purpose
from central.people.model import (
    MAX_REFERENCE,
    Basis,
    Duplicate,
    Enrolment,
    ExemptReason,
    Likeness,
    NoSuchPerson,
    Verdict,
    check,
    check_basis,
    require_psn_no,
    words,
)
from central.people.proxies import end_proxy, expect_with_charges, read_proxies, register_proxy
from central.settings import PeopleSettings
from central.sites import service as sites
from contract.commands import GalleryRole
from contract.sealed import seal
from models.results import Template

__all__ = [
    "ExemptReason",
    "FaceCount",
    "add_exemption",
    "check",
    "count_faces",
    "end_exemption",
    "end_proxy",
    "gallery_command",
    "newest_changes",
    "newest_count",
    "read_proxies",
    "register_proxy",
    "renew_galleries",
    "require_psn_no",
]


def enrol(
    db: Connection,
    keys: CentreKeys,
    files: EvidenceStore,
    request: Enrolment,
    templates: Sequence[Template],
    *,
    now: datetime,
    actor: str,
    keep: int = 1,
) -> None:
    """Keep one person's templates, one for each network, and picture, all sealed, and let the site's terminals know.

    Does not look whom they resemble: `enrolment.Registrar` does. Of each network the newest `keep` templates stay in use.
    Raises NotFound for an unknown site, BadInput for a wrong request.
    """
    check(request, now)
    sites.require_site(db, request.fixmedins_code)
    store.put_person(db, request.psn_no, request.legal_basis, now=now)
    if request.basis is not None:
        _put_basis(db, request.psn_no, request.basis, request.legal_basis, now=now, actor=actor)
    purpose = f"enrolment-picture/1 {request.psn_no}"
    picture = evidence.keep_own(db, files, keys, request.pictures[0], purpose=purpose, role="enrolment", now=now)
    made = {"taken_at": request.taken_at, "enrolled_at": now, "enrolled_by": actor}
    for template in templates:
        _put_template(db, keys, request.psn_no, template, made | {"media_id": picture}, keep=keep)
    _put_place(db, request, now=now, actor=actor)
    expect_with_charges(db, request.psn_no, now=now, actor=actor)
    tell_sites(db, request.psn_no, now=now)
    detail: dict[str, JsonValue] = {"site": request.fixmedins_code, "role": request.role.value, "note": request.note}
    if request.basis is not None:
        detail |= {"basis": request.basis.kind.value, "reference": request.basis.reference}
    audit.record(db, now=now, actor=actor, action="person.enrol", object=request.psn_no, detail=detail)


def record_basis(db: Connection, psn_no: str, basis: Basis, said: str, *, now: datetime, actor: str) -> None:
    """Record a newer basis of somebody who is enrolled, as after a renewal. Raises NoSuchPerson, BadInput."""
    require_person(db, psn_no)
    check_basis(psn_no, basis, now)
    _put_basis(db, psn_no, basis, said, now=now, actor=actor)
    tell_sites(db, psn_no, now=now)
    detail: dict[str, JsonValue] = {"basis": basis.kind.value, "reference": basis.reference}
    audit.record(db, now=now, actor=actor, action="person.basis", object=psn_no, detail=detail)


def withdraw_basis(db: Connection, psn_no: str, reference: str, *, now: datetime, actor: str) -> int:
    """Note that the person took back what the face was held on; how many bases that ended. Erases nothing by itself."""
    require_person(db, psn_no)
    said = words(reference, "the reference of the withdrawal", most=MAX_REFERENCE)
    ended = store.withdraw_bases(db, psn_no, said, actor=actor, now=now)
    audit.record(db, now=now, actor=actor, action="person.withdraw", object=psn_no, detail={"reference": said})
    return ended


def require_person(db: Connection, psn_no: str) -> RowMapping:
    """The person's row. Raises NoSuchPerson, or BadInput for a number that cannot be one."""
    require_psn_no(psn_no)
    row = store.person(db, psn_no)
    if row is None:
        raise NoSuchPerson(f"person {psn_no} is not registered here")
    return row


def expect(
    db: Connection,
    psn_no: str,
    fixmedins_code: str,
    role: GalleryRole,
    *,
    reference: str | None = None,
    valid_until: datetime | None = None,
    now: datetime,
    actor: str,
) -> None:
    """One more site expects a person who is enrolled already, as insured or as its staff, until then. Raises NotFound, BadInput."""
    require_person(db, psn_no)
    sites.require_site(db, fixmedins_code)
    if role is GalleryRole.WATCH:
        raise BadInput(f"person {psn_no}: nobody is watched for without a written decision (people watch)")
    if valid_until is not None and valid_until <= now:
        raise BadInput(f"person {psn_no} at {fixmedins_code}: the end ({valid_until:%Y-%m-%d}) has passed")
    row = {"fixmedins_code": fixmedins_code, "psn_no": psn_no, "role": role.value, "reference": reference, "valid_until": valid_until}
    store.expect(db, row | {"added_at": now, "added_by": actor})
    store.add_change(db, fixmedins_code, psn_no, now=now)
    detail: dict[str, JsonValue] = {"site": fixmedins_code, "role": role.value, "reference": reference}
    audit.record(db, now=now, actor=actor, action="person.expect", object=psn_no, detail=detail)


def expect_no_more(db: Connection, psn_no: str, fixmedins_code: str, *, now: datetime, actor: str) -> None:
    """A site expects a person no more, as staff that has left; its terminals forget them. Raises NotFound."""
    if not store.expect_no_more(db, fixmedins_code, psn_no):
        raise NotFound(f"person {psn_no[:40]} is not expected at {fixmedins_code[:20]}")
    store.add_change(db, fixmedins_code, psn_no, now=now)
    audit.record(db, now=now, actor=actor, action="person.leave", object=psn_no, detail={"site": fixmedins_code})


def without_template(db: Connection, version: str) -> list[str]:
    """People who have a picture but no template of this network, in order."""
    return store.without_template(db, version)


def add_template(db: Connection, keys: CentreKeys, psn_no: str, template: Template, *, now: datetime, actor: str) -> None:
    """One more template from the person's current picture, and let the sites' terminals know."""
    held = store.current_templates(db, [psn_no])
    picture = store.picture_of(db, psn_no)
    if picture is None:
        raise NotFound(f"person {psn_no} has no enrolment picture")
    taken_at = next((row["taken_at"] for row in reversed(held) if row["media_id"] == picture), None)
    made = {"taken_at": taken_at, "enrolled_at": now, "enrolled_by": actor, "media_id": picture}
    _put_template(db, keys, psn_no, template, made, keep=1)
    tell_sites(db, psn_no, now=now)
    audit.record(db, now=now, actor=actor, action="person.template", object=psn_no, detail={"embedder": template.version})


def retire_templates(db: Connection, versions: Sequence[str], *, now: datetime, actor: str) -> int:
    """Take templates of all other networks out of use, for people who have one of each of `versions`; how many people that were.

    The terminals forget them with the next page. What was judged with them stays explained: the rows are kept.
    """
    people = store.with_other_templates(db, versions)
    for psn_no in people:
        store.retire_templates(db, psn_no, versions, now=now)
        tell_sites(db, psn_no, now=now)
    if people:
        audit.record(db, now=now, actor=actor, action="templates.retire", object=" ".join(versions)[:200], detail={"people": len(people)})
    return len(people)


def erase_face(
    db: Connection, files: EvidenceStore, psn_no: str, *, why: str, now: datetime, actor: str, until: datetime | None = None
) -> tuple[dict[str, str], ...]:
    """Erase every template and picture of a person that lies in this register, and let the terminals forget; what went, by its hash.

    With `until` only what came until then.

    What captures show of the person is not the register's: `central.subjects` does the rest. Raises NoSuchPerson.
    """
    require_person(db, psn_no)
    every, doubts = store.templates_of(db, psn_no), lists.duplicates_about(db, psn_no)
    held = [row for row in every if until is None or row["enrolled_at"] <= until]
    mine = [row for row in doubts if row["psn_no"] == psn_no and row["media_id"]]
    waiting = [row["media_id"] for row in mine if until is None or row["found_at"] <= until]
    later = {row["media_id"] for row in every if row not in held}
    pictures = sorted({*(row["media_id"] for row in held), *waiting} - later)
    gone = evidence.erase(db, files, pictures, why=why, actor=actor, now=now)
    store.erase_templates(db, [row["template_id"] for row in held], now=now)
    tell_sites(db, psn_no, now=now)
    vectors = tuple({"what": "template", "sha256": sha256(row["sealed_vector"]).hexdigest(), "embedder": row["embedder"]} for row in held)
    return (*vectors, *({"what": "enrolment_picture", "sha256": name} for name in gone))


def stop_using(db: Connection, psn_no: str, *, now: datetime) -> None:
    """Compare nobody with this person any more, here and at the terminals, though the templates must stay for now."""
    store.retire_templates(db, psn_no, (), now=now)
    tell_sites(db, psn_no, now=now)


def sites_expecting(db: Connection, psn_no: str) -> list[str]:
    """The sites that expect this person."""
    return store.sites_expecting(db, psn_no)


def proxies_table(db: Connection) -> pa.Table:
    """The proxy register for the rules: psn_no, proxy_psn_no, valid_from, valid_to."""
    return read_table(db, lists.proxy_register())


def exemptions_table(db: Connection) -> pa.Table:
    """Persons who do not use the face, for the rules: psn_no, valid_from, valid_to. It holds from when it was entered."""
    return read_table(db, lists.exemption_register())


def staff_table(db: Connection) -> pa.Table:
    """Enrolled staff for the rules: fixmedins_code, psn_no, role, valid_from, valid_to. No national code is known of them."""
    return read_table(db, lists.staff_register())


def picture_of(db: Connection, psn_no: str) -> str | None:
    """The media_id of the current enrolment picture, or None."""
    return store.picture_of(db, psn_no)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Everything that the register keeps of one person, the newest first. No vector and no picture, only their names and hashes."""

    person: Mapping[str, object]
    bases: tuple[Mapping[str, object], ...]
    templates: tuple[Mapping[str, object], ...]
    places: tuple[Mapping[str, object], ...]
    proxies: tuple[Mapping[str, object], ...]
    exemptions: tuple[Mapping[str, object], ...]
    watches: tuple[Mapping[str, object], ...]
    duplicates: tuple[Duplicate, ...]
    exempt: bool


_ALL = 1000


def kept_of(db: Connection, psn_no: str, *, now: datetime) -> Kept:
    """What is kept of one person. Raises NoSuchPerson."""
    person = require_person(db, psn_no)
    return Kept(
        person=dict(person),
        bases=_plain(store.bases_of(db, psn_no)),
        templates=tuple(
            {name: value for name, value in row.items() if name != "sealed_vector"}
            | {"sha256": sha256(row["sealed_vector"]).hexdigest(), "current": row["replaced_at"] is None}
            for row in store.templates_of(db, psn_no)
        ),
        places=_plain(store.places_of(db, psn_no)),
        proxies=_plain(lists.proxies_of(db, psn_no)),
        exemptions=_plain(lists.exemption_page(db, offset=0, size=_ALL, psn_no=psn_no)[0]),
        watches=_plain(lists.watch_page(db, offset=0, size=_ALL, psn_no=psn_no)[0]),
        duplicates=tuple(duplicate_of(row) for row in lists.duplicates_about(db, psn_no)),
        exempt=psn_no in lists.exempt(db, [psn_no], now=now),
    )


def sites_told_of(db: Connection, psn_no: str) -> dict[str, int]:
    """By site, the gallery version with which its terminals know the newest about this person."""
    return store.sites_told_of(db, psn_no)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What waits for somebody: people whose newest picture is too old (`renewals`), whose basis is over, and doubtful identities."""

    renewals: int
    without_basis: int
    duplicates: int
    faces: int


def due(db: Connection, settings: PeopleSettings, *, now: datetime) -> Due:
    """How much waits, and how many faces are held in the register."""
    renewals = store.count_people(db, store.taken_before(now - timedelta(days=settings.template_days)))
    _, undecided = lists.duplicate_page(db, undecided=True, offset=0, size=1)
    return Due(
        renewals=renewals, without_basis=store.count_people(db, store.basis_over(now)), duplicates=undecided, faces=store.count_faces(db)
    )


def duplicate_of(row: RowMapping) -> Duplicate:
    """An entry of the register of doubtful identities."""
    verdict = None if row["verdict"] is None else Verdict(row["verdict"])
    return Duplicate(**dict(row) | {"finding": Likeness(row["finding"]), "verdict": verdict})


def _plain(rows: Sequence[RowMapping]) -> tuple[Mapping[str, object], ...]:
    return tuple(dict(row) for row in rows)


def _put_basis(db: Connection, psn_no: str, basis: Basis, said: str, *, now: datetime, actor: str) -> None:
    row = {"psn_no": psn_no, "kind": basis.kind.value, "reference": basis.reference.strip(), "words": said}
    dated = {"given_on": basis.given_on, "valid_until": basis.valid_until, "recorded_at": now, "recorded_by": actor}
    store.add_basis(db, row | dated)


def _put_place(db: Connection, request: Enrolment, *, now: datetime, actor: str) -> None:
    row = {"fixmedins_code": request.fixmedins_code, "psn_no": request.psn_no, "role": request.role.value}
    until = {"reference": request.reference, "valid_until": request.valid_until}
    store.expect(db, row | until | {"added_at": now, "added_by": actor})


def _put_template(db: Connection, keys: CentreKeys, psn_no: str, template: Template, made: dict[str, Any], *, keep: int) -> None:
    """`made`: from which picture (`media_id`), when it was taken, and who enrolled it when."""
    store.lock_enrolment(db)  # numbers rise with commits, so who follows them in memory misses none
    vector = np.ascontiguousarray(template.vector, dtype="<f4").tobytes()
    sealed = seal(vector, keys.seal_public, template_purpose(psn_no))
    told = {"quality": template.quality.weight, "source": template.source[:60]}
    row = {"psn_no": psn_no, "embedder": template.version, "sealed_vector": sealed} | told | made
    store.put_template(db, row, now=made["enrolled_at"], keep=keep)
