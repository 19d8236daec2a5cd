"""All SQL of the life of rules."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, func, insert, select, text, update

from central.rulebook.tables import (
    exhibits,
    finding_exhibits,
    rule_changes,
    rule_floods,
    rule_samples,
    rule_trials,
    sample_items,
    snoozes,
)

Row = Mapping[str, Any]
_CHUNK = 500


def lock(db: Connection) -> None:
    """Keep others from changing settings until the transaction ends (SQLite has one writer anyway)."""
    if db.dialect.name == "postgresql":
        db.execute(text("LOCK TABLE rule_changes IN SHARE ROW EXCLUSIVE MODE"))


def add_change(db: Connection, row: Row) -> int:
    """A new change; its number."""
    return _add(db, rule_changes, row)


def decide(db: Connection, change_id: int, values: Row) -> None:
    """Note what became of a change."""
    db.execute(update(rule_changes).where(rule_changes.c.change_id == change_id).values(**values))


def change(db: Connection, change_id: int) -> RowMapping | None:
    """One change, or None."""
    return db.execute(select(rule_changes).where(rule_changes.c.change_id == change_id)).mappings().first()


def changes(db: Connection, rule_id: str) -> Sequence[RowMapping]:
    """Every change of a rule, newest first."""
    return (
        db.execute(select(rule_changes).where(rule_changes.c.rule_id == rule_id).order_by(rule_changes.c.change_id.desc())).mappings().all()
    )


def waiting(db: Connection) -> Sequence[RowMapping]:
    """Changes that wait for a second person, oldest first."""
    return db.execute(select(rule_changes).where(rule_changes.c.decision.is_(None)).order_by(rule_changes.c.change_id)).mappings().all()


def standing(db: Connection) -> Sequence[RowMapping]:
    """The change in force of each rule at each place."""
    newest = select(func.max(rule_changes.c.version)).where(rule_changes.c.version.is_not(None))
    newest = newest.add_columns(rule_changes.c.rule_id, rule_changes.c.scope).group_by(rule_changes.c.rule_id, rule_changes.c.scope)
    last = newest.subquery("last")
    same = (last.c.rule_id == rule_changes.c.rule_id) & (last.c[0] == rule_changes.c.version)
    return db.execute(select(rule_changes).join(last, same).order_by(rule_changes.c.change_id)).mappings().all()


def next_version(db: Connection, rule_id: str) -> int:
    """The number of the rule's next version."""
    return (db.scalar(select(func.max(rule_changes.c.version)).where(rule_changes.c.rule_id == rule_id)) or 0) + 1


def add_snooze(db: Connection, row: Row) -> int:
    """A new snooze; its number."""
    return _add(db, snoozes, row)


def snooze(db: Connection, snooze_id: int) -> RowMapping | None:
    """One snooze, or None."""
    return db.execute(select(snoozes).where(snoozes.c.snooze_id == snooze_id)).mappings().first()


def all_snoozes(db: Connection, *, only_open: bool) -> Sequence[RowMapping]:
    """Snoozes, newest first."""
    query = select(snoozes).order_by(snoozes.c.snooze_id.desc())
    return db.execute(query.where(snoozes.c.ended_at.is_(None)) if only_open else query).mappings().all()


def end_snooze(db: Connection, snooze_id: int, values: Row) -> None:
    """Note that a snooze is over."""
    db.execute(update(snoozes).where(snoozes.c.snooze_id == snooze_id).values(**values))


def add_flood(db: Connection, row: Row) -> int:
    """A new flood; its number."""
    return _add(db, rule_floods, row)


def floods(db: Connection, rule_id: str | None = None) -> Sequence[RowMapping]:
    """Floods, of one rule where given, newest first."""
    query = select(rule_floods).order_by(rule_floods.c.flood_id.desc())
    return db.execute(query if rule_id is None else query.where(rule_floods.c.rule_id == rule_id)).mappings().all()


def close_flood(db: Connection, flood_id: int, outcome: str, now: datetime) -> None:
    """Note how a flood ended."""
    db.execute(update(rule_floods).where(rule_floods.c.flood_id == flood_id).values(outcome=outcome, closed_at=now))


def add_trial(db: Connection, row: Row) -> int:
    """A new trial; its number."""
    return _add(db, rule_trials, row)


def trials(db: Connection, rule_id: str | None = None, *, only_waiting: bool = False) -> Sequence[RowMapping]:
    """Trials, newest first."""
    query = select(rule_trials).order_by(rule_trials.c.trial_id.desc())
    query = query if rule_id is None else query.where(rule_trials.c.rule_id == rule_id)
    return db.execute(query.where(rule_trials.c.finished_at.is_(None)) if only_waiting else query).mappings().all()


def trial(db: Connection, trial_id: int) -> RowMapping | None:
    """One trial, or None."""
    return db.execute(select(rule_trials).where(rule_trials.c.trial_id == trial_id)).mappings().first()


def finish_trial(db: Connection, trial_id: int, values: Row) -> None:
    """Note what a trial found."""
    db.execute(update(rule_trials).where(rule_trials.c.trial_id == trial_id).values(**values))


def add_sample(db: Connection, row: Row, items: Iterable[tuple[str, str]]) -> int:
    """A new sample of (fixmedins_code, setl_id); its number."""
    sample_id = _add(db, rule_samples, row)
    rows = [
        {"sample_id": sample_id, "number": number, "fixmedins_code": code, "setl_id": setl_id}
        for number, (code, setl_id) in enumerate(items, 1)
    ]
    if rows:
        db.execute(insert(sample_items), rows)
    return sample_id


def samples(db: Connection, rule_id: str | None = None) -> Sequence[RowMapping]:
    """Samples, newest first; of one rule, or all of them."""
    query = select(rule_samples).order_by(rule_samples.c.sample_id.desc())
    return db.execute(query if rule_id is None else query.where(rule_samples.c.rule_id == rule_id)).mappings().all()


def sample(db: Connection, sample_id: int) -> RowMapping | None:
    """One sample, or None."""
    return db.execute(select(rule_samples).where(rule_samples.c.sample_id == sample_id)).mappings().first()


def items(db: Connection, sample_id: int) -> Sequence[RowMapping]:
    """The settlements of a sample."""
    return db.execute(select(sample_items).where(sample_items.c.sample_id == sample_id).order_by(sample_items.c.number)).mappings().all()


def judge(db: Connection, sample_id: int, number: int, values: Row) -> int:
    """Note what a person says of one settlement, unless somebody said something before; how many rows changed."""
    same = (sample_items.c.sample_id == sample_id) & (sample_items.c.number == number) & sample_items.c.verdict.is_(None)
    return db.execute(update(sample_items).where(same).values(**values)).rowcount


def add_exhibit(db: Connection, row: Row, findings: Collection[Row]) -> int:
    """Rows as they were, and which findings hang on them; its number."""
    exhibit_id = _add(db, exhibits, row)
    db.execute(insert(finding_exhibits), [dict(each) | {"exhibit_id": exhibit_id} for each in findings])
    return exhibit_id


def exhibited(db: Connection, jr_ids: Sequence[str]) -> dict[str, int]:
    """The newest version of each of these findings that has an exhibit."""
    found: dict[str, int] = {}
    newest = select(finding_exhibits.c.jr_id, func.max(finding_exhibits.c.version)).group_by(finding_exhibits.c.jr_id)
    for start in range(0, len(jr_ids), _CHUNK):
        found |= {jr_id: n for jr_id, n in db.execute(newest.where(finding_exhibits.c.jr_id.in_(jr_ids[start : start + _CHUNK])))}
    return found


def exhibit_of(db: Connection, jr_id: str, version: int | None = None) -> RowMapping | None:
    """The newest exhibit of a finding, or that of one of its versions, with `version` and `replays`; None if none was kept."""
    query = select(exhibits, finding_exhibits.c.version, finding_exhibits.c.replays).join(finding_exhibits)
    query = query.where(finding_exhibits.c.jr_id == jr_id).order_by(finding_exhibits.c.version.desc()).limit(1)
    return db.execute(query if version is None else query.where(finding_exhibits.c.version <= version)).mappings().first()


def _add(db: Connection, table: Table, row: Row) -> int:
    key = db.execute(insert(table).values(**row)).inserted_primary_key
    assert key is not None  # noqa: S101 - each of these tables has one
    return int(key[0])
