"""What a rule is. A rule says what was seen that an honest settlement would not show; it proposes, people decide.

Every moment in the tables is whole microseconds since 1970 in UTC (int64), every amount whole fen (int64).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar

import ibis.expr.types as ir
from pydantic import BaseModel, ConfigDict

from central.china import local_text
from central.db import from_micros

MINUTE = 60 * 1_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_AHEAD = 8 * HOUR  # China keeps one time, without summer time since 1991

SUSPICION_ZH = "本条为疑点，须经人工复核，不是认定结论。"
SUSPICION_EN = "This is a suspicion to be reviewed by people, not a finding of fact."
IMPLEMENTING_RULES = "《医疗保障基金使用监督管理条例实施细则》（2026年4月1日起施行，条款号以复核为准）"


class Severity(StrEnum):
    """sev_deg."""

    LOW = "low"
    MED = "med"
    HIGH = "high"


class Stage(StrEnum):
    """How far a rule may go, and with it each of its findings. A raise takes a second person, a lowering one."""

    SILENT = "silent"
    """Kept apart: on no monitor's list, read by those who calibrate the rule."""
    REMIND = "remind"
    """Listed apart, for people to remind the institution; nothing is sent by itself, and nobody is asked to decide."""
    REVIEW = "review"
    """On the monitors' lists, to be confirmed or dismissed."""
    RESTRICT = "restrict"
    """As `review`; besides, its findings say that a restriction of settlement may be proposed. The product restricts nobody."""


class Limits(BaseModel):
    """Parameters of a rule: each with its unit in the name, a default, bounds, and its reason as description. Unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What rules may look at: the tables of `central.inputs`, and what linkage made of the first two.

    settlements: every settlement, refunds among them, with `code`, `capture_id` (the capture that stands for it, or null), `is_refund`,
      `refunded` (taken back in full), `stands` (neither, nor reversed at the till), `inpatient` (the bill of a stay), and net_fund,
      net_acct (fen, what is left after refunds).
    captures: every capture with `code` and `linked_setl_id`, the settlement that it belongs to (null: none).
    visits: settlements with the one capture that stands for them, code `matched` or `late` (a side came late, and says the same): not
      refunded, not voided, the same psn_no on both sides, the window not blind, nobody verified by hand, the device to be believed. The
      columns of `settlements`, and those of `captures` that have another name.
    """

    settlements: ir.Table
    captures: ir.Table
    visits: ir.Table
    coverage: ir.Table
    sites: ir.Table
    hours: ir.Table
    persons: ir.Table
    proxies: ir.Table
    exemptions: ir.Table
    staff: ir.Table
    sign_ins: ir.Table
    details: ir.Table
    items: ir.Table
    stock: ir.Table
    stays: ir.Table
    leaves: ir.Table
    rounds: ir.Table
    filings: ir.Table
    places: ir.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One row of what a rule found. `subject_key` names the thing suspected and stays the same from run to run.

    The columns of `find` are these, with occurred_at in microseconds and the amount as amount_fen; further columns become `seen`.
    """

    subject_key: str
    fixmedins_code: str
    psn_no: str | None
    occurred_at: datetime
    sev_deg: Severity
    vola_amt: Decimal
    capture_ids: tuple[str, ...]
    setl_ids: tuple[str, ...]
    psn_nos: tuple[str, ...]
    seen: Mapping[str, Any]

    @property
    def local_time(self) -> str:
        """When it occurred, as the national interface writes times."""
        return local_text(self.occurred_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What was seen, against what, with which limits: in Chinese and in English."""

    zh: str
    en: str


LimitsT = TypeVar("LimitsT", bound=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[LimitsT]):
    """One rule of the catalogue. `find` builds an expression and opens nothing; `explain` is pure.

    `version` rises when the logic changes; limits are recorded with each finding and need no new version. `by` is the column that parts
    the rule's findings: what it says about one value hangs on the rows with that value alone, and its subject keys begin with the value
    and a slash. So new rows need a new look only at the values that they name. `stage` is where the rule begins where nobody has set
    another: a new rule begins silent, until its findings were looked at; `stage_reason` says why one does not.
    """

    id: str
    version: int
    by: str
    name_zh: str
    name_en: str
    behaviour: str
    legal_basis: str
    limits: type[LimitsT]
    find: Callable[[Tables, LimitsT], ir.Table]
    explain: Callable[[Hit, LimitsT], Explanation]
    stage: Stage = Stage.SILENT
    stage_reason: str = "new: its findings are first looked at by those who calibrate it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A hit with everything that the national result fields say about it. `vola_evid` and `limits` are JSON values.

    `setting` is the version of the rule's setting (0: the rules file alone). `held` says why it is on no monitor's list: its stage, a
    snooze or a flood (None: it is on them).
    """

    rule_id: str
    rule_version: int
    rule_name: str
    subject_key: str
    fixmedins_code: str
    psn_no: str | None
    occurred_at: datetime
    vola_cont: str
    vola_cont_en: str
    vola_amt: Decimal
    sev_deg: str
    vola_evid: dict[str, Any]
    vola_bhvr_type: str
    legal_basis: str
    limits: dict[str, Any]
    setting: int = 0
    stage: str = Stage.REVIEW.value
    held: str | None = None


def china_day(moment: Any) -> Any:
    """The day in China of a moment (microseconds): whole days since 1970."""
    return (moment + _AHEAD) // DAY


def china_minute(moment: Any) -> Any:
    """The minute of the day in China, 0 to 1439."""
    return (moment + _AHEAD) % DAY // MINUTE


def china_weekday(moment: Any) -> Any:
    """The weekday in China, 1 (Monday) to 7; the first day of 1970 was a Thursday."""
    return (china_day(moment) + 3) % 7 + 1


def read_hit(row: Mapping[str, Any]) -> Hit:
    """A row of `find` as a record; a list that is null is empty. Raises KeyError if the rule left out a column."""
    seen = dict(row)
    return Hit(
        subject_key=seen.pop("subject_key"),
        fixmedins_code=seen.pop("fixmedins_code"),
        psn_no=seen.pop("psn_no"),
        occurred_at=from_micros(seen.pop("occurred_at")),
        sev_deg=Severity(seen.pop("sev_deg")),
        vola_amt=Decimal(seen.pop("amount_fen")).scaleb(-2),
        capture_ids=tuple(sorted(seen.pop("capture_ids") or ())),
        setl_ids=tuple(sorted(seen.pop("setl_ids") or ())),
        psn_nos=tuple(sorted(seen.pop("psn_nos") or ())),
        seen=seen,
    )


def suspect(rule: Rule[LimitsT], hit: Hit, limits: LimitsT, *, stage: Stage = Stage.REVIEW, setting: int = 0) -> Suspicion:
    """What the rule says about a hit, in the national result fields; a stage below `review` holds it back from the monitors' lists."""
    why = rule.explain(hit, limits)
    evidence = {"capture_ids": list(hit.capture_ids), "setl_ids": list(hit.setl_ids), "psn_nos": list(hit.psn_nos), "seen": dict(hit.seen)}
    return Suspicion(
        rule_id=rule.id,
        rule_version=rule.version,
        rule_name=f"{rule.name_zh} {rule.name_en}",
        subject_key=hit.subject_key,
        fixmedins_code=hit.fixmedins_code,
        psn_no=hit.psn_no,
        occurred_at=hit.occurred_at,
        vola_cont=f"{why.zh}{SUSPICION_ZH}",
        vola_cont_en=f"{why.en} {SUSPICION_EN}",
        vola_amt=hit.vola_amt,
        sev_deg=hit.sev_deg.value,
        vola_evid=evidence,
        vola_bhvr_type=rule.behaviour,
        legal_basis=rule.legal_basis,
        limits=limits.model_dump(mode="json"),
        setting=setting,
        stage=stage.value,
        held=stage.value if stage in (Stage.SILENT, Stage.REMIND) else None,
    )
