"""Findings as people see them, and the moves that a review can make."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

from central.china import CHINA
from central.errors import BadInput, Conflict
from central.transparency.model import canonical

LATER = frozenset({"setting", "stage", "held"})
"""Columns of `findings` that came after the first findings had been logged."""
GENERATION = "#"
"""Parts a subject from the number of its finding, where it is not the first."""
MAX_REASON = 500
"""Characters of a review's reason."""


class Status(StrEnum):
    """Read from the reviews, never stored."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"
    HELD = "held"
    """On no monitor's list: its rule's stage is below review, or a snooze or a flood holds it. Nothing of it is lost."""


KEPT_BACK = ("snooze", "flood")
"""Beginnings of `held` of findings that will come back to the monitors' lists, so that what supports them stays."""


class Verdict(StrEnum):
    """What a person may say about a finding that is open or held."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"


MOVES: Mapping[tuple[Status, Verdict], Status] = {
    (Status.OPEN, Verdict.CONFIRM): Status.CONFIRMED,
    (Status.OPEN, Verdict.DISMISS): Status.DISMISSED,
    (Status.HELD, Verdict.CONFIRM): Status.CONFIRMED,
    (Status.HELD, Verdict.DISMISS): Status.DISMISSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a person decided, and why."""

    verdict: Verdict
    reason: str
    account: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """A finding in the national result fields, with its status and its reviews, oldest first. `vola_evid` names what supports it.

    `setting` is the version of the rule's setting, `stage` how far the rule may go, `held` why it is on no list.
    """

    jr_id: str
    rule_id: str
    rule_version: int
    subject_key: str
    fixmedins_code: str
    psn_no: str | None
    rule_name: str
    vola_cont: str
    vola_cont_en: str
    vola_amt: Decimal
    sev_deg: str
    vola_evid: Mapping[str, Any]
    vola_bhvr_type: str
    legal_basis: str
    limits: Mapping[str, Any]
    occurred_at: datetime
    found_at: datetime
    withdrawn_at: datetime | None
    version: int
    setting: int | None
    stage: str | None
    held: str | None
    status: Status
    reviews: tuple[Review, ...]

    @property
    def capture_ids(self) -> tuple[str, ...]:
        """The captures that support it."""
        return tuple(self.vola_evid["capture_ids"])

    @property
    def persons(self) -> frozenset[str]:
        """The insured persons that it names."""
        return frozenset({*self.vola_evid["psn_nos"], *([self.psn_no] if self.psn_no else [])})

    @property
    def setl_ids(self) -> tuple[str, ...]:
        """The settlements that it is about."""
        return tuple(self.vola_evid["setl_ids"])


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPage:
    """One page of findings, newest first; `total` counts all pages."""

    rows: tuple[FindingView, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """A finding in force, and what must stay because of it."""

    jr_id: str
    status: Status
    captures: frozenset[str]
    persons: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A reason for which findings of a group belong together: what they share, and how many of them name it."""

    tie: str
    value: str
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Findings that belong together, the newest first, and why."""

    group_id: str
    findings: tuple[FindingView, ...]
    shared: tuple[Shared, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """A group on a list: how many findings it has, how many of them are open, by which rules, where and when."""

    group_id: str
    findings: int
    open: int
    rules: tuple[str, ...]
    fixmedins_codes: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    shared: tuple[Shared, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPage:
    """One page of groups, those that moved last first; `total` counts all pages."""

    rows: tuple[GroupRow, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a finding that is on the monitors' lists or was decided: `reviewed_at` None while it is open."""

    fixmedins_code: str
    found_at: datetime
    reviewed_at: datetime | None
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingChanges:
    """What a run did to the findings."""

    new: int
    updated: int
    withdrawn: int


def move(current: Status, verdict: Verdict) -> Status:
    """The status after a review. Raises Conflict if a finding in this status is not open to it."""
    if (current, verdict) not in MOVES:
        raise Conflict(f"a finding that is {current} can no longer be reviewed")
    return MOVES[current, verdict]


def checked_reason(text: str) -> str:
    """A reason without surrounding space. Raises BadInput if it is empty or too long."""
    reason = text.strip()
    if not reason:
        raise BadInput("a review needs a reason")
    if len(reason) > MAX_REASON:
        raise BadInput(f"the reason has {len(reason)} characters, at most {MAX_REASON} are allowed")
    return reason


def log_ref(row: Mapping[Any, Any]) -> str:
    """The name of a finding, as it stands in this row, in the transparency log."""
    return f"{row['jr_id']}#{row['version']}"


def content(row: Mapping[Any, Any]) -> bytes:
    """What the transparency log commits to: canonical JSON of all columns of `findings`, times in UTC, money in yuan as text.

    Columns of LATER that say nothing are left out, so that what was logged before they existed stays what was logged.
    """
    return canonical({str(name): _plain(value) for name, value in row.items() if value is not None or name not in LATER})


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{value:.2f}" if isinstance(value, Decimal) else value


def jr_id(rule_id: str, subject_key: str, occurred_at: datetime) -> str:
    """The number of a new finding: the day in China, the rule, and 64 bits of a hash of rule and subject."""
    digest = sha256(f"{rule_id}|{subject_key}".encode()).hexdigest()[:16]
    return f"JR{occurred_at.astimezone(CHINA):%Y%m%d}-{rule_id}-{digest}"


def subject_of(subject_key: str) -> str:
    """The subject without the number of its finding."""
    return subject_key.partition(GENERATION)[0]
