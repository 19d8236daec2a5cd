"""What is kept of one person and who looked at it, as the person may be told (个人信息查阅): Chinese first, English second."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from central.audit import service as audit
from central.audit.model import Entry
from central.captures import service as captures
from central.captures.service import PersonCapture
from central.cases import service as cases
from central.cases.model import FindingView
from central.people import service as people
from central.people.model import MAX_REFERENCE, words
from central.settings import Settings
from central.subjects import store

_LOOKS = frozenset({"picture.view", "film.view"})
_WATCHED = "watch."
_DOUBTED = "duplicate."
_FINDING = "finding "
_PENDING = (_FINDING, "package ", "duplicate ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Somebody opened a picture of this person. `why` is empty where it would tell of a pending matter: supervision, no more."""

    at: datetime
    actor: str
    why: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Something that was done with what is kept of this person."""

    at: datetime
    actor: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReport:
    """Everything that may be told. Not in it: an open finding, the watch list, and whom the face resembles, which concern others or a
    pending matter. `until` names for each kind of thing how long it is kept.
    """

    psn_no: str
    made_at: datetime
    made_by: str
    reference: str
    bases: tuple[Mapping[str, object], ...]
    templates: tuple[Mapping[str, object], ...]
    places: tuple[Mapping[str, object], ...]
    proxies: tuple[Mapping[str, object], ...]
    exemptions: tuple[Mapping[str, object], ...]
    captures: tuple[PersonCapture, ...]
    decisions: tuple[FindingView, ...]
    looks: tuple[Look, ...]
    history: tuple[Done, ...]
    erasures: tuple[Mapping[str, object], ...]
    seen_days: int
    finding_days: int
    template_days: int


def make(db: Connection, psn_no: str, reference: str, settings: Settings, *, now: datetime, actor: str) -> AccessReport:
    """Collect the report; that it was made, for whom and on which request goes into the audit log. Raises NoSuchPerson, BadInput."""
    said = words(reference, "the reference of the request", most=MAX_REFERENCE)
    kept = people.kept_of(db, psn_no, now=now)
    seen = captures.of_person(db, psn_no)
    pictures = {str(row["media_id"]) for row in kept.templates} | {media.media_id for one in seen for media in one.media}
    past = store.of_person(db, psn_no)
    pictures |= {one["sha256"] for row in past for one in row["erased"] if one["what"].endswith("_picture")}
    told = audit.about(db, [psn_no])
    decisions = cases.decided_about(db, psn_no)
    known = {one.jr_id for one in decisions}
    audit.record(db, now=now, actor=actor, action="person.report", object=psn_no, detail={"reference": said})
    return AccessReport(
        psn_no=psn_no,
        made_at=now,
        made_by=actor,
        reference=said,
        bases=kept.bases,
        templates=kept.templates,
        places=kept.places,
        proxies=kept.proxies,
        exemptions=kept.exemptions,
        captures=seen,
        decisions=decisions,
        looks=tuple(_look(entry, known) for entry in audit.about(db, pictures) if entry.action in _LOOKS),
        history=tuple(
            Done(at=one.at, actor=one.actor, action=one.action) for one in told if not one.action.startswith((_WATCHED, _DOUBTED))
        ),
        erasures=tuple({name: row[name] for name in ("erasure_id", "why", "reference", "erased_at")} for row in past),
        seen_days=settings.retention.seen_days,
        finding_days=settings.retention.finding_days,
        template_days=settings.people.template_days,
    )


def kept_until(capture: PersonCapture, seen_days: int) -> datetime:
    """Until when the pictures of a capture are kept where nothing holds them."""
    return capture.opened_at + timedelta(days=seen_days)


def _look(entry: Entry, decided: Set[str]) -> Look:
    role, why = entry.detail.get("role"), str(entry.detail.get("why", ""))
    pending = why.startswith(_PENDING) and why.removeprefix(_FINDING) not in decided
    return Look(at=entry.at, actor=entry.actor, why="" if pending else why, what=str(role or ""))
