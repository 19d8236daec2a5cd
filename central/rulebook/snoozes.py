"""Snoozes: a rule is quiet about one subject or one institution until a moment. What it says meanwhile is kept, and comes back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.cases import service as cases
from central.cases.model import subject_of
from central.errors import BadInput, Conflict, NotFound
from central.rulebook import store
from central.rulebook.model import checked_reason
from central.rules.base import Suspicion
from central.rules.model import GroupLimits

LONGEST = timedelta(days=90)
"""A quarter of a year: what should be quiet for longer is a matter of limits or stage, and takes their way."""
CENTRE = "centre"
_YEAR = timedelta(days=365)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """What should be quiet until when, and why: one subject (the subject_key of a finding) or one institution."""

    rule_id: str
    until: datetime
    reason: str
    subject_key: str | None = None
    fixmedins_code: str | None = None

    @property
    def about(self) -> dict[str, str]:
        """The one of both that was given. Raises BadInput for none and for both."""
        subject, site = subject_of((self.subject_key or "").strip()), (self.fixmedins_code or "").strip()
        if bool(subject) == bool(site):
            raise BadInput("a snooze is about either one subject (subject_key of a finding) or one institution (fixmedins_code)")
        return {"subject_key": subject} if subject else {"fixmedins_code": site}


def begin(db: Connection, quiet: Quiet, *, actor: str, now: datetime, group_limits: GroupLimits) -> Snooze:
    """Let a rule be quiet about a subject or an institution until then; its open findings there leave the lists at once.

    Raises BadInput for no subject, both, a missing reason, and an end that has passed or makes it longer than LONGEST, what it was quiet
    about the same within a year counted in; Conflict where it is quiet already.
    """
    because, about = checked_reason(quiet.reason), quiet.about
    (name,) = about.values()
    before = [each for each in every(db, quiet.rule_id) if name == (each.subject_key or each.fixmedins_code)]
    if any(each.ended_at is None for each in before):
        raise Conflict(f"{quiet.rule_id} is quiet about {name} already")
    left = LONGEST - sum((_within_a_year(each, now) for each in before), timedelta())
    if not now < quiet.until <= now + left:
        raise BadInput(
            f"a snooze ends at a moment to come, {LONGEST.days} days in a year, {max(left, timedelta()).days} of them left here; "
            f"not at {quiet.until:%Y-%m-%d %H:%M}. What should be quiet for longer is a matter of limits or stage"
        )
    row = {"subject_key": None, "fixmedins_code": None} | about | {"rule_id": quiet.rule_id, "until": quiet.until}
    made = get(db, store.add_snooze(db, row | {"reason": because, "account": actor, "at": now}))
    hidden = cases.hold(db, quiet.rule_id, made.holder, about, now=now, group_limits=group_limits)
    told: dict[str, Any] = {"snooze": made.snooze_id, **about, "until": quiet.until.isoformat(), "reason": because, "held": hidden}
    audit.record(db, now=now, actor=actor, action="rule.snooze", object=quiet.rule_id, detail=told)
    return made


def _within_a_year(snooze: Snooze, now: datetime) -> timedelta:
    over = min(snooze.ended_at or snooze.until, snooze.until)
    return max(over - max(snooze.at, now - _YEAR), timedelta())


def end(db: Connection, snooze_id: int, *, actor: str, now: datetime, group_limits: GroupLimits) -> int:
    """End a snooze now; how many findings came back. Raises NotFound, Conflict if it was over."""
    snooze = get(db, snooze_id)
    if snooze.ended_at is not None:
        raise Conflict(f"snooze {snooze_id} was over already")
    count = cases.free(db, snooze.holder, now=now, group_limits=group_limits)
    store.end_snooze(db, snooze_id, {"ended_at": now, "ended_by": actor, "came_back": count})
    detail = {"snooze": snooze_id, "came_back": count}
    audit.record(db, now=now, actor=actor, action="rule.wake", object=snooze.rule_id, detail=detail)
    return count


def wake(db: Connection, *, now: datetime, group_limits: GroupLimits) -> int:
    """End every snooze whose time is over; how many findings came back."""
    over = [each for each in standing(db) if each.until <= now]
    return sum(end(db, each.snooze_id, actor=CENTRE, now=now, group_limits=group_limits) for each in over)


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
