"""What a hold is, and who may end it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from central.audit.model import person
from central.errors import BadInput, Conflict

MAX_REASON = 500
MAX_DOCUMENT = 100


class Kind(StrEnum):
    """What a hold is placed on."""

    FINDING = "finding"
    """Its captures and persons, those included that it names later."""
    CAPTURE = "capture"
    DEVICE = "device"
    """Everything that a terminal saw in a span of time."""
    SITE = "site"
    """Everything that a site's terminals saw in a span of time."""


class What(StrEnum):
    """What a hold keeps."""

    CAPTURE = "capture"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHold:
    """A hold to place: on what, why, and the number of the document that orders it. A span is `since` up to, not including, `until`."""

    kind: Kind
    subject: str
    reason: str
    document: str
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_span(self) -> bool:
        """Whether it holds whatever was seen in a span of time."""
        return self.kind in (Kind.DEVICE, Kind.SITE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold as it stands; it keeps until `released_at`, a request to release changes nothing."""

    hold_id: int
    kind: Kind
    subject: str
    since: datetime | None
    until: datetime | None
    reason: str
    document: str
    placed_by: str
    placed_at: datetime
    release_asked_by: str | None
    release_asked_at: datetime | None
    release_reason: str | None
    released_by: str | None
    released_at: datetime | None


class SamePerson(Conflict):
    """Who asked for a release cannot confirm it."""

    code = "same_person"


def require_placeable(new: NewHold) -> None:
    """Raises BadInput for a hold without reason or document, or with a span that cannot be."""
    for name, value, most in (("reason", new.reason, MAX_REASON), ("document number", new.document, MAX_DOCUMENT)):
        if not 0 < len(value.strip()) <= most:
            raise BadInput(f"a hold needs a {name} of 1 to {most} characters, this one has {len(value.strip())}")
    if new.is_span and (new.since is None or new.until is None or new.since >= new.until):
        raise BadInput(f"a hold on a {new.kind} needs a span of time: since when, and until when after that")
    if not new.is_span and (new.since, new.until) != (None, None):
        raise BadInput(f"a hold on a {new.kind} has no span of time: it keeps all of it")


def require_askable(hold: Hold) -> None:
    """Raises Conflict unless somebody may ask now for its release."""
    if hold.released_at is not None:
        raise Conflict(f"hold {hold.hold_id} was released already, by {hold.released_by}")
    if hold.release_asked_by is not None:
        raise Conflict(f"hold {hold.hold_id}: {hold.release_asked_by} has asked for its release already; another person confirms it")


def require_confirmable(hold: Hold, actor: str) -> None:
    """Raises Conflict unless `actor`, somebody else than who asked, may confirm the release."""
    if hold.released_at is not None:
        raise Conflict(f"hold {hold.hold_id} was released already, by {hold.released_by}")
    if hold.release_asked_by is None:
        raise Conflict(f"hold {hold.hold_id}: nobody has asked for its release; one person asks, another confirms")
    if hold.release_asked_by is not None and person(hold.release_asked_by) == person(actor):
        raise SamePerson(f"hold {hold.hold_id}: {actor} asked for the release; another person must confirm it")


def checked_reason(text: str) -> str:
    """A reason without surrounding space. Raises BadInput if it is empty or too long."""
    reason = text.strip()
    if not 0 < len(reason) <= MAX_REASON:
        raise BadInput(f"a release needs a reason of 1 to {MAX_REASON} characters, this one has {len(reason)}")
    return reason
