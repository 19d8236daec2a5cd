"""What keeps findings off the monitors' lists, and loses none: snoozes, which end by themselves, and floods, which people end."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import Connection, RowMapping

from central.cases import service as cases
from central.cases.model import Status
from central.linkage import service as linkage
from central.rulebook import snoozes, store
from central.rules.base import SUSPICION_EN, SUSPICION_ZH, Severity, Stage, Suspicion
from central.rules.engine import RuleResults
from central.rules.flood import Flood, flooding
from central.rules.registry import RuleBook

RULE_FAULT = "FLT-01"
"""The number under which a flood is put before people."""
_BASIS = "本条针对规则本身，不针对任何机构和个人"
_WHY = {
    Flood.USUAL: ("远多于平常", "far more than usual"),
    Flood.SHARE: ("占全部结算的比例过高", "too large a share of all settlements"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodView:
    """A flood: what was found when it opened, what would have been usual, and how it ended (None: people are still to look)."""

    flood_id: int
    rule_id: str
    rule_version: int
    setting: int
    why: str
    found: int
    settlements: int
    usual: float | None
    opened_at: datetime
    closed_at: datetime | None
    outcome: str | None

    @property
    def holder(self) -> str:
        """What `findings.held` says of its findings."""
        return f"flood:{self.flood_id}"


def admit(db: Connection, book: RuleBook, results: RuleResults, *, settlements: int, now: datetime) -> RuleResults:
    """What the rules say, with what snoozes and floods hold marked as held, and one rule-fault suspicion for each flood.

    To be called in the transaction that keeps the findings, before they are kept. `settlements`: how many there are in all. A snooze whose
    time is over gives back what it held; a flood ends when people dismissed its rule-fault finding, when the rule was changed and runs,
    or when people confirmed that something was wrong and it no longer floods: a register or a camera was mended.
    """
    tend(db, book, now=now)
    _end_mended(db, book, now)
    said = snoozes.mark(results.suspicions, snoozes.standing(db))
    of_rule: defaultdict[str, list[Suspicion]] = defaultdict(list)
    for each in said:
        of_rule[each.rule_id].append(each)
    returned = _judged_anew(db, book, results.ran, now)
    scene = _Scene(book=book, settlements=settlements, now=now)
    admitted = [each for rule_id, own in of_rule.items() for each in _through(db, scene, own, returned.get(rule_id, frozenset()))]
    faults = [_suspicion(flood) for flood in open_floods(db)]
    return replace(results, suspicions=(*admitted, *faults), ran=results.ran | {RULE_FAULT})


def open_floods(db: Connection) -> tuple[FloodView, ...]:
    """Floods that hold something now, newest first."""
    return tuple(each for each in floods(db) if each.closed_at is None)


def floods(db: Connection, rule_id: str | None = None) -> tuple[FloodView, ...]:
    """Every flood, of one rule where given, newest first."""
    return tuple(_view(row) for row in store.floods(db, rule_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What a run knows besides what the rules say."""

    book: RuleBook
    settlements: int
    now: datetime


def finding_of(db: Connection, flood: FloodView) -> str | None:
    """jr_id of the rule-fault finding of a flood, None before it was kept."""
    found = cases.about_subject(db, RULE_FAULT, _subject(flood))
    return None if found is None else found.jr_id


def _through(db: Connection, scene: _Scene, said: Sequence[Suspicion], returned: frozenset[str]) -> Iterable[Suspicion]:
    """The suspicions of one rule; those of a flood are held. Open findings that monitors have seen before it stay on their lists.

    `returned`: subjects of a flood that ended because the rule was changed; they count as new. What its stage held until now is new to the
    lists: two people wanted that, so it may be far more than usual, but no more than a share of all settlements.
    """
    rule_id = said[0].rule_id
    past = floods(db, rule_id)
    flood = next((each for each in past if each.closed_at is None), None)
    free = [each.subject_key for each in said if each.held is None]
    new = (frozenset(free) - cases.known_subjects(db, rule_id, free)) | returned.intersection(free)
    risen = cases.subjects_staged(db, rule_id).intersection(free)
    if flood is None and (new or risen):
        flood = _opened(db, scene, said, (len(new), len(risen)), past)
    if flood is None:
        return said
    held = new | risen | cases.subjects_held(db, flood.holder)
    return [replace(each, held=flood.holder) if each.held is None and each.subject_key in held else each for each in said]


def _opened(
    db: Connection, scene: _Scene, said: Sequence[Suspicion], fresh: tuple[int, int], past: Sequence[FloodView]
) -> FloodView | None:
    """A flood if that is one. `fresh`: how many are new, and how many a stage held until now."""
    rule_id, limits, (new, risen) = said[0].rule_id, scene.book.flood, fresh
    ends = (each.closed_at for each in past if each.closed_at is not None)
    since = max([scene.now - timedelta(hours=limits.window_hours), *ends])
    before, recent = cases.found_counts(db, rule_id, since)
    compared = linkage.settlements_at(db, since)
    usual = before / compared * max(scene.settlements - compared, 0) if before and compared else None
    standing = sum(each.held is None for each in said)
    judged = partial(flooding, standing=standing, settlements=scene.settlements, limits=limits)
    why = judged(new=recent + new, usual=usual) or judged(new=recent + new + risen, usual=None)
    if why is None:
        return None
    row = {"rule_id": rule_id, "why": why.value, "found": recent + new + risen, "settlements": scene.settlements, "usual": usual}
    of_now = {
        "rule_version": _version(scene.book, rule_id) or said[0].rule_version,
        "setting": _setting(scene.book, rule_id),
        "opened_at": scene.now,
    }
    store.add_flood(db, row | of_now)
    return floods(db, rule_id)[0]


def tend(db: Connection, book: RuleBook, *, now: datetime) -> None:
    """Give back what snoozes held whose time is over, and what floods held of which people said that they are none.

    `admit` does it too; this is for the hours in which nothing comes.
    """
    snoozes.wake(db, now=now, group_limits=book.groups)
    for flood in open_floods(db):
        finding = cases.about_subject(db, RULE_FAULT, _subject(flood))
        if finding is not None and finding.status is Status.DISMISSED:
            _close(db, book, flood, "genuine", now)


def _end_mended(db: Connection, book: RuleBook, now: datetime) -> None:
    """End the floods in which people found a fault, and which hold no flood any more: the fault was not the rule's, and it was mended."""
    for flood in open_floods(db):
        finding = cases.about_subject(db, RULE_FAULT, _subject(flood))
        if finding is not None and finding.status is Status.CONFIRMED:
            left = cases.list_findings(db, held=flood.holder, status=Status.HELD.value, size=1).total
            if left < book.flood.least:
                _close(db, book, flood, "mended", now)


def _judged_anew(db: Connection, book: RuleBook, ran: Collection[str], now: datetime) -> dict[str, frozenset[str]]:
    """End the floods whose rule has another version or setting by now; what they held, by rule.

    A rule that was stopped, or could not be run, takes nothing back, so what its flood holds stays held.
    """
    returned: dict[str, frozenset[str]] = {}
    for flood in open_floods(db):
        if flood.rule_id in ran and (flood.rule_version, flood.setting) != (_version(book, flood.rule_id), _setting(book, flood.rule_id)):
            returned[flood.rule_id] = cases.subjects_held(db, flood.holder)
            _close(db, book, flood, "changed", now)
    return returned


def _close(db: Connection, book: RuleBook, flood: FloodView, outcome: str, now: datetime) -> None:
    """What it held goes to the lists; what the changed rule no longer says is withdrawn in the same run."""
    store.close_flood(db, flood.flood_id, outcome, now)
    cases.free(db, flood.holder, now=now, group_limits=book.groups)


def _version(book: RuleBook, rule_id: str) -> int | None:
    return next((each.rule.version for each in book.active if each.rule.id == rule_id), None)


def _setting(book: RuleBook, rule_id: str) -> int:
    return max((each.setting for each in book.active if each.rule.id == rule_id), default=0)


def _subject(flood: FloodView) -> str:
    return f"{flood.rule_id}/{flood.flood_id}"


def _suspicion(flood: FloodView) -> Suspicion:
    zh, en = _WHY[Flood(flood.why)]
    usual_zh = "" if flood.usual is None else f"，按以往应约为{flood.usual:.1f}条"
    usual_en = "" if flood.usual is None else f"; about {flood.usual:.1f} would have been usual"
    seen: Mapping[str, Any] = {"rule_id": flood.rule_id, "flood_id": flood.flood_id, "found": flood.found, "why": flood.why}
    return Suspicion(
        rule_id=RULE_FAULT,
        rule_version=1,
        rule_name="规则异常 rule fault",
        subject_key=_subject(flood),
        fixmedins_code="",
        psn_no=None,
        occurred_at=flood.opened_at,
        vola_cont=f"规则{flood.rule_id}新增疑点{flood.found}条（全部结算{flood.settlements}笔），{zh}{usual_zh}。"
        f"这些疑点已全部保留、暂不列入待办：查实表示规则、登记或设备有误，修改规则或排除故障后重新判断；排除表示疑点属实，即行列入待办。{SUSPICION_ZH}",
        vola_cont_en=f"Rule {flood.rule_id} has {flood.found} new findings ({flood.settlements} settlements in all): {en}{usual_en}. "
        "All of them are kept and held off the lists. Confirm: the rule, a register or a device is wrong; they are judged anew once it "
        f"was mended. Dismiss: they are genuine and go to the lists. {SUSPICION_EN}",
        vola_amt=Decimal("0.00"),
        sev_deg=Severity.HIGH.value,
        vola_evid={"capture_ids": [], "setl_ids": [], "psn_nos": [], "seen": dict(seen)},
        vola_bhvr_type="规则异常",
        legal_basis=_BASIS,
        limits={"found": flood.found, "settlements": flood.settlements},
        setting=flood.setting,
        stage=Stage.REVIEW.value,
    )


def _view(row: RowMapping) -> FloodView:
    return FloodView(**dict(row))
