"""The closed lists of codes of the ledger: every settlement and every capture gets exactly one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


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
