"""The closed lists of codes of the ledger: every settlement and every capture gets exactly one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from central.errors import CentralError


class SettlementCode(StrEnum):
    """What became of a settlement. The first that applies counts, in this order."""

    REFUND = "refund"
    """The row is itself a refund."""
    REFUND_ALONE = "refund_alone"
    """The row is a refund of a settlement that is not in the claims, or names none: it takes nothing back that is known here."""
    REFUNDED = "refunded"
    """Its refunds took it back in full."""
    REMOTE = "remote"
    """Paid by mobile (6201, opter_type 3): no window had to see it, and none did."""
    UNWATCHED = "unwatched"
    """No terminal watched the institution then: there was none, or not yet."""
    WRONG_SITE = "wrong_site"
    """The one capture of it names another institution than the claim: a slip of a till, a shared terminal, or worse; people look."""
    AWAITED = "awaited"
    """A terminal of the institution has not yet told of that time: off-line perhaps. Nothing follows from it yet."""
    CLAIM_WITHOUT_CAPTURE = "claim_without_capture"
    """No window saw it, though terminals watched and have told of that time."""
    VOIDED = "voided"
    """The till told the window that it was reversed; the claims do not show that (yet)."""
    DISTRUSTED = "distrusted"
    """Its only captures are of a device that was not to be believed then: they prove nothing, for or against anybody."""
    WRONG_PERSON = "wrong_person"
    """Claim and capture name different psn_no."""
    OFF_TIME = "off_time"
    """Claim and capture lie too far apart in time for one to show the other."""
    BLIND = "blind"
    """The window could not see."""
    MANUAL = "manual"
    """The person was verified by hand."""
    PROXY = "proxy"
    """A registered proxy settled."""
    LATE = "late"
    """As matched, but one side came here so long after the other that it could have been made afterwards. Rules look at it."""
    MATCHED = "matched"
    """One capture stands for it; only these and the late ones are looked at by rules."""


class CaptureCode(StrEnum):
    """What became of a capture. The first that applies counts, in this order; the last eight say the same as its settlement's code."""

    VOIDED = "voided"
    """The till reversed it, or gave up before settling."""
    WRONG_SITE = "wrong_site"
    """Its claim names another institution."""
    AWAITED = "awaited"
    """The claims of that time have not come yet."""
    CAPTURE_WITHOUT_CLAIM = "capture_without_claim"
    """No claim belongs to it, though later ones of the institution are here."""
    REFUNDED = "refunded"
    """Its settlement was taken back in full."""
    SUPERSEDED = "superseded"
    """Another capture stands for its settlement."""
    DISTRUSTED = "distrusted"
    WRONG_PERSON = "wrong_person"
    OFF_TIME = "off_time"
    BLIND = "blind"
    MANUAL = "manual"
    PROXY = "proxy"
    LATE = "late"
    MATCHED = "matched"


class LinkLimits(BaseModel):
    """When a capture can stand for a settlement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    off_time_s: int = Field(
        default=600,
        ge=0,
        le=86_400,
        description="Seconds between setl_time and the nearest moment of the capture; settling takes minutes, clocks differ by less.",
    )
    late_days: int = Field(
        default=45,
        ge=1,
        le=3650,
        description="Days between the arrivals of claim and capture; a monthly file and a month off-line are explained by less.",
    )
    awaited_days: int = Field(
        default=45,
        ge=1,
        le=3650,
        description="Days after the last word of a silent terminal, or of the claims, within which the other side waits for it.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCounts:
    """How many settlements and captures have each code, after which run (None before the first)."""

    settlements: dict[SettlementCode, int]
    captures: dict[CaptureCode, int]
    run: "Run | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One reconciliation."""

    run_id: int
    started_at: datetime
    finished_at: datetime | None
    engine: str
    settlements: int
    captures: int
    findings_new: int
    kind: "RunKind"


class RunKind(StrEnum):
    """What a reconciliation compared."""

    FULL = "full"
    """Everything that was here."""
    NEWS = "news"
    """What came or changed since the last one, with all that hangs on it."""


class Why(StrEnum):
    """Why the ledger says something else than before, as far as the two rows show it."""

    OTHER_SIDE_CAME = "other_side_came"
    OTHER_SIDE_GONE = "other_side_gone"
    OTHER_SIDE_CHANGED = "other_side_changed"
    """Another one stands for it."""
    TAKEN_BACK = "taken_back"
    """Refunded, or voided by the till."""
    BY_HAND = "by_hand"
    """A clerk's word, or a proxy."""
    TOLD = "told"
    """A terminal, or the claims, have told of that time now."""
    DOUBT = "doubt"
    """Its device is believed no more, or again."""
    GONE = "gone"
    """It is not here any more: taken back by the claims, or erased."""
    FACTS = "facts"
    """What one of both sides says was corrected."""


class LedgerBroken(CentralError):
    """The ledger would not add up: nothing of this run was kept."""

    status = 500
    code = "ledger_broken"


def why(before: str, other_before: str | None, code: str | None, other: str | None) -> Why:
    """Why a code of before became this one (None: the row itself is gone)."""
    if code is None:
        return Why.GONE
    if "distrusted" in (before, code):
        return Why.DOUBT
    if {"refunded", "voided"} & {before, code}:
        return Why.TAKEN_BACK
    if other_before != other:
        return Why.OTHER_SIDE_CAME if other_before is None else Why.OTHER_SIDE_GONE if other is None else Why.OTHER_SIDE_CHANGED
    if {"awaited", "unwatched"} & {before, code}:
        return Why.TOLD
    return Why.BY_HAND if {"manual", "proxy"} & {before, code} else Why.FACTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the ledger said of a settlement or a capture until a run found otherwise. `other`: the other side then, `code` what it says
    since (None: it is not here any more)."""

    code_before: str
    other_before: str | None
    code: str | None
    other: str | None
    why: Why
    run_id: int
    run_kind: RunKind | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the ledger says of one settlement or capture: `name` is its setl_id or capture_id, `other` the capture_id or setl_id of the
    other side, set by run `run_id`."""

    side: str
    fixmedins_code: str
    name: str
    code: str
    other: str | None
    run_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    """One page of the ledger, what changed last first; `total` counts all pages."""

    rows: tuple[Entry, ...]
    total: int
    page: int
    size: int
