"""The closed lists of codes of the ledger: every settlement and every capture gets exactly one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class SettlementCode(StrEnum):
    """What became of a settlement. The first that applies counts, in this order."""

    REFUND = "refund"
    """The row is itself a refund."""
    REFUNDED = "refunded"
    """Its refunds took it back in full."""
    CLAIM_WITHOUT_CAPTURE = "claim_without_capture"
    """No window saw it."""
    VOIDED = "voided"
    """The till told the window that it was reversed; the claims do not show that (yet)."""
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
    MATCHED = "matched"
    """One capture stands for it; only these are looked at by rules."""


class CaptureCode(StrEnum):
    """What became of a capture. The first that applies counts, in this order; the last six say the same as its settlement's code."""

    VOIDED = "voided"
    """The till reversed it, or gave up before settling."""
    CAPTURE_WITHOUT_CLAIM = "capture_without_claim"
    """No claim belongs to it (yet)."""
    REFUNDED = "refunded"
    """Its settlement was taken back in full."""
    SUPERSEDED = "superseded"
    """Another capture stands for its settlement."""
    WRONG_PERSON = "wrong_person"
    OFF_TIME = "off_time"
    BLIND = "blind"
    MANUAL = "manual"
    PROXY = "proxy"
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
