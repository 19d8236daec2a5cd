"""Trials of other limits: beside the live ones over all that is here (shadow), and against what people decided (back-test).

A trial finds nothing and changes nothing. It is asked for, and carried out by whoever holds the tables: `central rules shadow` at once,
`central reconcile` at its next run.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.cases import service as cases
from central.cases.model import Status
from central.engines.duckdb import duckdb_in_memory
from central.errors import BadInput, CentralError, Conflict, NotFound
from central.inputs import Inputs
from central.rulebook import service, store
from central.rulebook.exhibits import Compare
from central.rulebook.model import Wanted
from central.rules.base import Suspicion
from central.rules.engine import RuleResults
from central.rules.registry import RuleBook
from models.evaluation.intervals import Interval, clopper_pearson

SHOWN = 200
"""Subjects and sites that a result names, the first by name; all of them are counted."""
MOST_WAITING = 20
"""Trials that may wait for the next reconciliation."""
_DRAFT = "?"
Span = tuple[datetime | None, datetime | None]
"""Since when, and up to when; None is open."""


class TrialKind(StrEnum):
    """What is asked."""

    SHADOW = "shadow"
    """What would be found and what not, beside the live limits."""
    BACKTEST = "backtest"
    """The same for what occurred within a span, and what people had decided about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of how many, and between which rates that lies with 95 % confidence (Clopper-Pearson)."""

    count: int
    of: int
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial and, once it was carried out, its result (`compared`); `failed` says why it could not be."""

    trial_id: int
    kind: TrialKind
    rule_id: str
    scope: str
    limits: Mapping[str, Any]
    since: datetime | None
    until: datetime | None
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None
    failed: str | None
    rule_version: int
    setting: int
    result: Mapping[str, Any] | None

    @property
    def confirmed_lost(self) -> Share:
        """Confirmed findings that the live limits still show and the draft would lose."""
        return self._share("confirmed_lost", "confirmed")

    @property
    def dismissed_avoided(self) -> Share:
        """Dismissed findings that the live limits still show and the draft would avoid."""
        return self._share("dismissed_avoided", "dismissed")

    def _share(self, count: str, of: str) -> Share:
        told = self.result or {}
        n, total = int(told.get(count, 0)), int(told.get(of, 0))
        return Share(count=n, of=total, interval=clopper_pearson(n, total))


def ask(
    db: Connection,
    base: RuleBook,
    wanted: Wanted,
    kind: TrialKind,
    *,
    span: Span = (None, None),
    actor: str,
    now: datetime,
) -> Trial:
    """Ask what limits at a place would find. Raises NotFound, BadInput naming the parameter or an empty span, and Conflict where too many
    wait: each of them compares everything that is here once more.
    """
    if len(waiting(db)) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} trials wait for the next reconciliation already; ask again when it has carried them out")
    since, until = span
    if since is not None and until is not None and since >= until:
        raise BadInput(f"a trial from {since.isoformat()} to {until.isoformat()} has no time in it")
    after = service.draft(db, base, wanted)
    live = service.holds_at(db, base, wanted.rule_id, wanted.scope)
    row: dict[str, Any] = {"kind": kind.value, "rule_id": wanted.rule_id, "scope": after.scope}
    row |= {"limits": after.limits.model_dump(mode="json"), "since": since, "until": until, "asked_by": actor, "asked_at": now}
    number = store.add_trial(db, row | {"rule_version": live.rule.version, "setting": live.setting})
    detail: dict[str, Any] = {"trial": number, "kind": kind.value, "scope": after.scope, "limits": row["limits"]}
    audit.record(db, now=now, actor=actor, action="rule.trial", object=wanted.rule_id, detail=detail)
    return get(db, number)


def waiting(db: Connection) -> tuple[Trial, ...]:
    """Trials that nobody has carried out yet, oldest first."""
    return tuple(reversed([_trial(row) for row in store.trials(db, only_waiting=True)]))


def of_rule(db: Connection, rule_id: str) -> tuple[Trial, ...]:
    """Trials of a rule, newest first."""
    return tuple(_trial(row) for row in store.trials(db, rule_id))


def get(db: Connection, trial_id: int) -> Trial:
    """One trial. Raises NotFound."""
    row = store.trial(db, trial_id)
    if row is None:
        raise NotFound(f"trial {trial_id} is not here")
    return _trial(row)


def carry_out(db: Connection, trial: Trial, inputs: Inputs, base: RuleBook, compare: Compare, *, now: datetime) -> Trial:
    """Compare live and draft over the tables and keep the result; what cannot be run is kept as failed, with the reason."""
    values: dict[str, Any] = {"finished_at": now}
    try:
        book = _both(db, base, trial)
        with duckdb_in_memory() as analysis:
            _, results = compare(analysis, inputs, book)
        judged = cases.judged(db, trial.rule_id)
        values["result"] = compared(trial, _sound(results), judged) | {"settlements": inputs["settlements"].num_rows}
    except CentralError as error:
        values["failed"] = str(error)
    store.finish_trial(db, trial.trial_id, values)
    return get(db, trial.trial_id)


def _sound(results: RuleResults) -> RuleResults:
    if results.faults:
        raise Conflict(results.faults[0].message)
    return results


def compared(trial: Trial, results: RuleResults, judged: Iterable[tuple[str, Status]]) -> dict[str, Any]:
    """What the draft would gain and lose, per site too, and what of that people had decided. Pure.

    Of the reviewed ones only those count that the live limits still show: what late data took away neither of them would show.
    """
    live = {each.subject_key: each for each in results.suspicions if each.rule_id == trial.rule_id and _within(trial, each)}
    draft = {each.subject_key: each for each in results.suspicions if each.rule_id == trial.rule_id + _DRAFT and _within(trial, each)}
    gained, lost = sorted(set(draft) - set(live)), sorted(set(live) - set(draft))
    known = [(key, status) for key, status in judged if key in live]
    counted = Counter((status, key in draft) for key, status in known)
    return {
        "live": len(live),
        "draft": len(draft),
        "gained": len(gained),
        "lost": len(lost),
        "gains": [_named(draft[key]) for key in gained[:SHOWN]],
        "losses": [_named(live[key]) for key in lost[:SHOWN]],
        "sites": _sites([draft[key] for key in gained], [live[key] for key in lost]),
        "confirmed": sum(status is Status.CONFIRMED for _, status in known),
        "confirmed_lost": counted[Status.CONFIRMED, False],
        "dismissed": sum(status is Status.DISMISSED for _, status in known),
        "dismissed_avoided": counted[Status.DISMISSED, False],
    }


def _both(db: Connection, base: RuleBook, trial: Trial) -> RuleBook:
    """The rule as it is live, and beside it under another number as the draft has it."""
    live = service.book_of(db, base)
    wanted = Wanted(rule_id=trial.rule_id, scope=trial.scope, reason="", limits=trial.limits)
    own = [each for each in live.active if each.rule.id == trial.rule_id]
    tried = [each for each in service.draft_book(db, base, wanted).active if each.rule.id == trial.rule_id]
    named = [replace(each, rule=replace(each.rule, id=trial.rule_id + _DRAFT)) for each in tried]
    return replace(live, active=(*own, *named), unusable=tuple(each for each in live.unusable if each[0] == trial.rule_id))


def _within(trial: Trial, said: Suspicion) -> bool:
    after = trial.since is None or said.occurred_at >= trial.since
    return after and (trial.until is None or said.occurred_at < trial.until)


def _named(said: Suspicion) -> dict[str, Any]:
    return {"subject_key": said.subject_key, "fixmedins_code": said.fixmedins_code, "zh": said.vola_cont, "en": said.vola_cont_en}


def _sites(gained: Iterable[Suspicion], lost: Iterable[Suspicion]) -> list[list[Any]]:
    """[fixmedins_code, gained, lost], the most changed first."""
    more, less = Counter(each.fixmedins_code for each in gained), Counter(each.fixmedins_code for each in lost)
    every = sorted(more.keys() | less.keys(), key=lambda code: (-more[code] - less[code], code))
    return [[code, more[code], less[code]] for code in every[:SHOWN]]


def _trial(row: RowMapping) -> Trial:
    return Trial(**dict(row) | {"kind": TrialKind(row["kind"])})
