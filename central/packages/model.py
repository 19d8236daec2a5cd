"""Review stamps, what marks evidence as unreviewed, and what an exported package is. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from secrets import token_hex
from typing import Any, Protocol

from central.audit.model import person
from central.errors import BadInput, CentralError, Conflict

MAX_REASON = 500
MAX_PURPOSE = 500


class CannotWrite(CentralError):
    """The disk does not take the package; nothing of it was left behind."""

    status = 507
    code = "cannot_write"


class StampKind(StrEnum):
    """Both are asked of electronic monitoring before it may serve as evidence (法制审核、技术审核)."""

    LEGAL = "legal"
    TECHNICAL = "technical"


class StampResult(StrEnum):
    """What a reviewer found."""

    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """One review of a finding's evidence. `covers` is the digest of what was reviewed: evidence that changed later is not covered."""

    stamp_id: int
    jr_id: str
    kind: StampKind
    result: StampResult
    reason: str
    account: str
    at: datetime
    covers: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that was exported, recognised by its SHA-256."""

    package_id: str
    jr_id: str
    sha256: str
    size: int
    purpose: str
    exported_by: str
    exported_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Marking:
    """Whether the evidence may serve for a penalty. `missing` names what stands against it, codes of a closed list; none: nothing does."""

    missing: tuple[str, ...]

    @property
    def reviewed(self) -> bool:
        """True if site and evidence were reviewed both legally and technically, each with success."""
        return not self.missing


class Speaker(Protocol):
    """The texts of one language."""

    @property
    def language(self) -> str:
        """`zh` or `en`."""

    def text(self, key: str, **values: object) -> str:
        """A text with its places filled."""

    def code(self, family: str, code: object) -> str:
        """The text of a code, or the code itself where there is none."""


def marking(sites_reviewed: Sequence[tuple[bool, bool]], stamps: Sequence[Stamp], covers: str) -> Marking:
    """What is missing: `sites_reviewed` says for each capture whether its site stood reviewed (legally, technically) at that time."""
    missing = []
    if not sites_reviewed:
        missing.append("no_capture")
    for number, kind in enumerate(StampKind):
        if not all(each[number] for each in sites_reviewed):
            missing.append(f"site_{kind.value}")
        newest = newest_of(stamps, kind)
        if newest is None:
            missing.append(f"stamp_{kind.value}")
        elif newest.result is StampResult.FAILED:
            missing.append(f"failed_{kind.value}")
        elif newest.covers != covers:
            missing.append(f"changed_{kind.value}")
    return Marking(missing=tuple(missing))


def newest_of(stamps: Sequence[Stamp], kind: StampKind) -> Stamp | None:
    """The last stamp of a kind; the earlier ones stay on record."""
    return next((stamp for stamp in reversed(stamps) if stamp.kind is kind), None)


def require_other_person(stamps: Sequence[Stamp], kind: StampKind, account: str) -> None:
    """Raises Conflict where the other kind of review was last done by the same person: two people look, each with another eye."""
    other = newest_of(stamps, StampKind.TECHNICAL if kind is StampKind.LEGAL else StampKind.LEGAL)
    if other is not None and person(other.account) == person(account):
        raise Conflict(f"{account} has done the {other.kind} review of this finding; another person does the {kind} one")


def checked(name: str, text: str, most: int) -> str:
    """A text without surrounding space. Raises BadInput if it is empty or too long."""
    stripped = text.strip()
    if not 0 < len(stripped) <= most:
        raise BadInput(f"the {name} has {len(stripped)} characters, 1 to {most} are needed")
    return stripped


def new_package_id(at: datetime) -> str:
    """A number for a package: its day in UTC and 64 random bits."""
    return f"EP{at.astimezone(UTC):%Y%m%d}-{token_hex(8)}"


def plain(value: object) -> Any:
    """A value as JSON can say it: times in UTC with microseconds, money as text with two decimals."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return value


def canonical(content: object) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8: the same content gives the same bytes."""
    return json.dumps(plain(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
