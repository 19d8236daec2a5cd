"""Snoozes: a rule is quiet about one subject or one institution until a moment. What it says meanwhile is kept, and comes back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.cases import service as cases
from central.errors import BadInput, Conflict, NotFound
from central.rulebook import store
from central.rulebook.model import checked_reason
from central.rules.base import Suspicion

LONGEST = timedelta(days=90)
"""A quarter: what should be quiet for longer is a matter of limits or stage, and takes their way."""
CENTRE = "centre"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """What is quiet, why, since and until when. `came_back`: how many findings it gave back at its end."""

    snooze_id: int
    rule_id: str
    subject_key: str | None
    fixmedins_code: str | None
    until: datetime
    reason: str
    account: str
    at: datetime
    ended_at: datetime | None
    ended_by: str | None
    came_back: int | None

    @property
    def holder(self) -> str:
        """What `findings.held` says of its findings."""
        return f"snooze:{self.snooze_id}"

    def means(self, said: Suspicion) -> bool:
        """Whether it is about this suspicion."""
        if said.rule_id != self.rule_id:
            return False
        return said.subject_key == self.subject_key if self.subject_key is not None else said.fixmedins_code == self.fixmedins_code


def begin(
    db: Connection,
    rule_id: str,
    *,
    subject_key: str | None = None,
    fixmedins_code: str | None = None,
    until: datetime,
    reason: str,
    actor: str,
    now: datetime,
) -> Snooze:
    """Let a rule be quiet about a subject or an institution until then; its open findings there leave the lists at once.

    Raises BadInput for no subject, both, an end that has passed or lies too far, a missing reason; Conflict where it is quiet already.
    """
    because = checked_reason(reason)
    same = {name: value for name, value in (("subject_key", subject_key), ("fixmedins_code", fixmedins_code)) if value}
    if len(same) != 1:
        raise BadInput("a snooze is about either one subject (subject_key of a finding) or one institution (fixmedins_code)")
    if not now < until <= now + LONGEST:
        raise BadInput(f"a snooze ends at a moment to come, within {LONGEST.days} days; not at {until.isoformat(timespec='minutes')}")
    if any((each.rule_id, each.subject_key, each.fixmedins_code) == (rule_id, subject_key, fixmedins_code) for each in standing(db)):
        raise Conflict(f"{rule_id} is quiet about {next(iter(same.values()))} already")
    row = {"rule_id": rule_id, "subject_key": subject_key, "fixmedins_code": fixmedins_code, "until": until}
    number = store.add_snooze(db, row | {"reason": because, "account": actor, "at": now})
    made = get(db, number)
    hidden = cases.hold(db, rule_id, made.holder, same, now=now)
    told: dict[str, Any] = {"snooze": number, **same, "until": until.isoformat(), "reason": because, "held": hidden}
    audit.record(db, now=now, actor=actor, action="rule.snooze", object=rule_id, detail=told)
    return made


def end(db: Connection, snooze_id: int, *, actor: str, now: datetime) -> int:
    """End a snooze now; how many findings came back. Raises NotFound, Conflict if it was over."""
    snooze = get(db, snooze_id)
    if snooze.ended_at is not None:
        raise Conflict(f"snooze {snooze_id} was over already")
    count = cases.free(db, snooze.holder, now=now)
    store.end_snooze(db, snooze_id, {"ended_at": now, "ended_by": actor, "came_back": count})
    detail = {"snooze": snooze_id, "came_back": count}
    audit.record(db, now=now, actor=actor, action="rule.wake", object=snooze.rule_id, detail=detail)
    return count


def wake(db: Connection, *, now: datetime) -> int:
    """End every snooze whose time is over; how many findings came back."""
    return sum(end(db, each.snooze_id, actor=CENTRE, now=now) for each in standing(db) if each.until <= now)


def get(db: Connection, snooze_id: int) -> Snooze:
    """One snooze. Raises NotFound."""
    row = store.snooze(db, snooze_id)
    if row is None:
        raise NotFound(f"snooze {snooze_id} is not here; `central rules snooze list` shows them")
    return _snooze(row)


def standing(db: Connection) -> tuple[Snooze, ...]:
    """Snoozes that were not ended yet, newest first."""
    return tuple(_snooze(row) for row in store.all_snoozes(db, only_open=True))


def every(db: Connection, rule_id: str) -> tuple[Snooze, ...]:
    """Every snooze of a rule, newest first."""
    return tuple(each for each in map(_snooze, store.all_snoozes(db, only_open=False)) if each.rule_id == rule_id)


def mark(said: Iterable[Suspicion], quiet: Sequence[Snooze]) -> list[Suspicion]:
    """The suspicions, with those that some snooze is about held by it; what its stage holds stays held by that."""
    if not quiet:
        return list(said)
    return [_marked(each, quiet) for each in said]


def _marked(said: Suspicion, quiet: Sequence[Snooze]) -> Suspicion:
    snooze = next((each for each in quiet if said.held is None and each.means(said)), None)
    return said if snooze is None else replace(said, held=snooze.holder)


def _snooze(row: RowMapping) -> Snooze:
    return Snooze(**dict(row))
