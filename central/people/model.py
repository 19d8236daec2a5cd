"""People as plain records, and what may be registered of them. Pure. No name is kept; psn_no is opaque."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import TypeAdapter, ValidationError

from central.errors import BadInput, CentralError, Conflict, NotFound
from contract.commands import GalleryRole
from contract.ids import PsnNo

MAX_WORDS = 500
MAX_REFERENCE = 100
_psn_no = TypeAdapter(PsnNo)


class NoSuchPerson(NotFound):
    """Nothing is registered under this number."""

    code = "no_such_person"


class PictureUnusable(BadInput):
    """The picture cannot be used; `codes` say why, and the console says in both languages how to take a better one."""

    code = "picture_unusable"

    def __init__(self, psn_no: str, codes: Sequence[str], message: str) -> None:
        """Keep the codes: those of `models.errors.PictureRefused`, or of `models.quality` where the face is not good enough."""
        super().__init__(f"person {psn_no}: picture refused ({', '.join(codes)}): {message}")
        self.codes = tuple(codes)


class LooksLikeAnother(Conflict):
    """The picture needs a decision by people before it can be enrolled; `duplicate_id` names the entry that was opened."""

    code = "looks_like_another"

    def __init__(self, duplicate_id: int, message: str) -> None:
        """Keep the number, by which the entry is found."""
        super().__init__(message)
        self.duplicate_id = duplicate_id


class OneselfConfirmed(CentralError):
    """A second person confirms, not the one who entered it."""

    status = 409
    code = "oneself_confirmed"


class BasisKind(StrEnum):
    """Why the centre may hold a face."""

    CONSENT = "consent"
    """The person's own separate consent."""
    GUARDIAN = "guardian"
    """The consent of a guardian, as for a child under fourteen."""
    LAW = "law"
    """A rule of law or a duty under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Why a face may be held: by which document, of which day, and until when (None: no end is set)."""

    kind: BasisKind
    reference: str
    given_on: datetime
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A request to enrol one person. `legal_basis` says in words why the centre may hold the face, `basis` by which document.

    `taken_at` is when the pictures were taken, None if nobody knows; `reference` is the number that a site gives its staff.
    `note` goes into the audit log.
    """

    psn_no: str
    pictures: tuple[bytes, ...]
    legal_basis: str
    fixmedins_code: str
    role: GalleryRole
    basis: Basis | None = None
    taken_at: datetime | None = None
    reference: str | None = None
    valid_until: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A registered proxy (代办人): who may settle for whom, and when."""

    psn_no: str
    proxy_psn_no: str
    valid_from: datetime
    valid_to: datetime
    reason: str


class ExemptReason(StrEnum):
    """Why somebody is verified by hand and never compared. The terminal learns that it is so, not why."""

    DECLINED = "declined"
    """Does not want to use the face; no reason is asked."""
    WITHDRAWN = "withdrawn"
    """Took the consent back."""
    FAITH = "faith"
    HEALTH = "health"
    """Illness, injury or disability."""
    CHILD = "child"
    TWIN = "twin"
    """Looks so much like somebody else that comparing says nothing."""
    NO_PICTURE = "no_picture"
    """No picture could be taken that can be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWatch:
    """Somebody to be noticed at one site, by a written decision: its number, who decided, on which day, and until when."""

    psn_no: str
    fixmedins_code: str
    document: str
    decided_by: str
    decided_on: datetime
    valid_until: datetime
    reason: str


class Likeness(StrEnum):
    """What was found when a picture was compared with everybody else's templates."""

    OTHER = "other"
    """So like somebody else's that the one-of-many limit is reached: refused."""
    NEARER = "nearer"
    """Nearer to somebody else's than to the person's own earlier ones: refused."""
    UNLIKE_OWN = "unlike_own"
    """Not like the person's own earlier ones: refused. `other` is then the person."""
    PERHAPS = "perhaps"
    """Between the limits: enrolled, and people are asked to look."""

    @property
    def refuses(self) -> bool:
        """Whether the picture waits for a decision."""
        return self is not Likeness.PERHAPS


class Verdict(StrEnum):
    """What a person decided after looking at both pictures."""

    SAME_PERSON = "same_person"
    DIFFERENT_PEOPLE = "different_people"
    MISTAKE = "mistake"
    """A wrong picture was handed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """An entry of the register of doubtful identities. `own` is the similarity to the person's own earlier templates, None without any.

    Says that two templates are alike, never that anybody did wrong: twins and families are, and hands slip.
    """

    duplicate_id: int
    psn_no: str
    other_psn_no: str
    finding: Likeness
    refused: bool
    embedder: str
    similarity: float
    own: float | None
    compared: int
    media_id: str | None
    found_at: datetime
    found_by: str
    verdict: Verdict | None
    reason: str | None
    decided_at: datetime | None
    decided_by: str | None


def allows(verdict: Verdict, *, oneself: bool) -> bool:
    """Whether the picture may be enrolled after all: two numbers belong to different people, one number to one person."""
    return verdict is (Verdict.SAME_PERSON if oneself else Verdict.DIFFERENT_PEOPLE)


def require_psn_no(text: str) -> None:
    """Raises BadInput unless the text can be a psn_no."""
    try:
        _psn_no.validate_python(text)
    except ValidationError:
        raise BadInput(f"{text[:40]!r} is not a psn_no: 1 to 30 letters, digits, - or _") from None


def words(text: str, name: str, *, most: int = MAX_WORDS) -> str:
    """The text without surrounding space. Raises BadInput, naming what it is, if it is empty, too long or holds control characters."""
    said = text.strip()
    if not said:
        raise BadInput(f"{name} is missing")
    if len(said) > most:
        raise BadInput(f"{name} has {len(said)} characters, at most {most} are allowed")
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in said):
        raise BadInput(f"{name} holds control characters")
    return said


def check(request: Enrolment, now: datetime) -> None:
    """Raises BadInput for what cannot be enrolled: a wrong number, no legal basis or one that is over, a time that cannot be, a watch."""
    require_psn_no(request.psn_no)
    if not request.legal_basis.strip() and request.basis is None:
        raise BadInput(f"person {request.psn_no}: a face may be held only on a legal basis: name it")
    if request.role is GalleryRole.WATCH:
        raise BadInput(f"person {request.psn_no}: nobody is put on the watch list by enrolment; it takes a written decision (people watch)")
    if request.taken_at is not None and request.taken_at > now:
        raise BadInput(f"person {request.psn_no}: the picture cannot have been taken in the future ({request.taken_at:%Y-%m-%d})")
    if request.basis is not None:
        check_basis(request.psn_no, request.basis, now)


def check_basis(psn_no: str, basis: Basis, now: datetime) -> None:
    """Raises BadInput for a basis without reference, of a day to come, or that is over."""
    words(basis.reference, f"person {psn_no}: the reference of the {basis.kind}", most=MAX_REFERENCE)
    if basis.given_on > now:
        raise BadInput(f"person {psn_no}: the {basis.kind} is dated in the future ({basis.given_on:%Y-%m-%d})")
    if basis.valid_until is not None and basis.valid_until <= now:
        raise BadInput(f"person {psn_no}: the {basis.kind} ended on {basis.valid_until:%Y-%m-%d}; a new one is needed")
