"""All SQL about findings, their reviews, and rules that could not be run."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Join,
    RowMapping,
    Select,
    Subquery,
    case,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from central.cases.model import GENERATION, KEPT_BACK, Status, Verdict, subject_of
from central.cases.tables import findings, reviews, rule_faults
from central.rules.base import Stage

_CHUNK = 500
_AT_ONCE = 100


def with_status() -> Select[Any]:
    """Findings with `status`, which the newest review decides, else a withdrawal, else what holds it, and `reviewed_at`, when that was."""
    joined, last = _with_last_review()
    status: ColumnElement[str] = case(
        (last.c.verdict == Verdict.CONFIRM, literal(Status.CONFIRMED.value)),
        (last.c.verdict == Verdict.DISMISS, literal(Status.DISMISSED.value)),
        (findings.c.withdrawn_at.is_not(None), literal(Status.WITHDRAWN.value)),
        (findings.c.held.is_not(None), literal(Status.HELD.value)),
        else_=literal(Status.OPEN.value),
    )
    return select(findings, status.label("status"), last.c.at.label("reviewed_at")).select_from(joined)


def _with_last_review() -> tuple[Join, FromClause]:
    """Findings joined with the newest review of each, and the name of the latter."""
    newest = select(reviews.c.jr_id, func.max(reviews.c.review_id).label("review_id")).group_by(reviews.c.jr_id).subquery("newest")
    last = reviews.alias("last")
    return findings.outerjoin(newest, newest.c.jr_id == findings.c.jr_id).outerjoin(last, last.c.review_id == newest.c.review_id), last


def page(db: Connection, wanted: Mapping[str, str], *, offset: int, size: int) -> tuple[Sequence[RowMapping], int]:
    """Rows of findings with status whose columns equal what is wanted, newest first, and how many there are in all.

    Held ones are among them only where the status held is wanted, or one finding's holder.
    """
    every = with_status().subquery("every")
    conditions = [every.c[name] == value for name, value in wanted.items()]
    if not {"status", "held"} & set(wanted):
        conditions.append(every.c.status != Status.HELD.value)
    total = db.scalar(select(func.count()).select_from(every).where(*conditions)) or 0
    query = select(every).where(*conditions).order_by(every.c.found_at.desc(), every.c.jr_id).limit(size).offset(offset)
    return db.execute(query).mappings().all(), total


def one(db: Connection, jr_id: str) -> RowMapping | None:
    """One finding with status, or None."""
    return db.execute(with_status().where(findings.c.jr_id == jr_id)).mappings().first()


def of_subject(db: Connection, rule_id: str, subject_key: str) -> RowMapping | None:
    """The finding of a rule about a subject with status, or None."""
    same = (findings.c.rule_id == rule_id) & (findings.c.subject_key == subject_key)
    return db.execute(with_status().where(same)).mappings().first()


def lock(db: Connection, jr_id: str) -> None:
    """Keep others from reviewing this finding until the transaction ends (SQLite has one writer anyway)."""
    db.execute(select(findings.c.jr_id).where(findings.c.jr_id == jr_id).with_for_update())


def reviews_of(db: Connection, jr_ids: Collection[str]) -> Sequence[RowMapping]:
    """The reviews of these findings, oldest first."""
    return db.execute(select(reviews).where(reviews.c.jr_id.in_(list(jr_ids))).order_by(reviews.c.review_id)).mappings().all()


def add_review(db: Connection, *, jr_id: str, verdict: str, reason: str, account: str, at: datetime) -> None:
    """Append a review."""
    db.execute(insert(reviews).values(jr_id=jr_id, verdict=verdict, reason=reason, account=account, at=at))


def counts(db: Connection) -> dict[str, int]:
    """Findings by status; a status without findings is left out."""
    every = with_status().subquery("every")
    rows = db.execute(select(every.c.status, func.count()).group_by(every.c.status))
    return {status: n for status, n in rows}


def in_force(db: Connection, confirmed_since: datetime) -> Iterator[Mapping[str, Any]]:
    """What supports each finding that is in force."""
    every = with_status().subquery("every")
    yield from db.scalars(select(every.c.vola_evid).where(_force(every, confirmed_since)))


def about_in_force(db: Connection, confirmed_since: datetime) -> Sequence[RowMapping]:
    """(jr_id, status, psn_no, vola_evid) of each finding that is in force."""
    every = with_status().subquery("every")
    names = (every.c.jr_id, every.c.status, every.c.psn_no, every.c.vola_evid)
    return db.execute(select(*names).where(_force(every, confirmed_since)).order_by(every.c.jr_id)).mappings().all()


def _force(every: Subquery, confirmed_since: datetime) -> ColumnElement[bool]:
    """In force is what is open, what comes back to the lists, and what was confirmed since then."""
    confirmed = (every.c.status == Status.CONFIRMED.value) & (every.c.reviewed_at >= confirmed_since)
    returning = (every.c.status == Status.HELD.value) & or_(*(every.c.held.startswith(each) for each in KEPT_BACK))
    return (every.c.status == Status.OPEN.value) | returning | confirmed


def held_by(db: Connection, held: str) -> Sequence[str]:
    """jr_id of unreviewed findings that this holds and that still are suspected, the newest first."""
    every = with_status().subquery("every")
    query = select(every.c.jr_id).where(every.c.held == held, every.c.status == Status.HELD.value)
    return db.scalars(query.order_by(every.c.found_at.desc(), every.c.jr_id)).all()


def open_of(db: Connection, rule_id: str, same: Mapping[str, str]) -> Sequence[str]:
    """jr_id of open findings of a rule: about one subject (whatever its generation), or at one institution."""
    every = with_status().subquery("every")
    query = select(every.c.jr_id).where(every.c.rule_id == rule_id, every.c.status == Status.OPEN.value)
    if "subject_key" in same:
        key = same["subject_key"]
        query = query.where(or_(every.c.subject_key == key, every.c.subject_key.startswith(f"{key}#", autoescape=True)))
    if "fixmedins_code" in same:
        query = query.where(every.c.fixmedins_code == same["fixmedins_code"])
    return db.scalars(query.order_by(every.c.jr_id)).all()


def hold(db: Connection, jr_ids: Sequence[str], held: str | None) -> None:
    """Let this hold these findings (None: nothing any more), each as its next version."""
    changed = update(findings).values(held=held, version=findings.c.version + 1)
    for start in range(0, len(jr_ids), _CHUNK):
        db.execute(changed.where(findings.c.jr_id.in_(jr_ids[start : start + _CHUNK])))


def found_counts(db: Connection, rule_id: str, since: datetime) -> tuple[int, int]:
    """How many findings of a rule were found before that moment, and how many since."""
    later = func.sum(case((findings.c.found_at >= since, 1), else_=0))
    every, recent = db.execute(select(func.count(), later).where(findings.c.rule_id == rule_id)).one()
    return int(every) - int(recent or 0), int(recent or 0)


def known(db: Connection, rule_id: str, subjects: Sequence[str]) -> Iterator[str]:
    """Those of the subjects that a rule has a finding about."""
    for start in range(0, len(subjects), _CHUNK):
        some = findings.c.subject_key.in_(subjects[start : start + _CHUNK])
        yield from db.scalars(select(findings.c.subject_key).where(findings.c.rule_id == rule_id, some))


def unreviewed(db: Connection, rule_id: str, subjects: Sequence[str]) -> Iterator[RowMapping]:
    """(jr_id, version, subject_key) of findings of a rule about these that nobody reviewed and nothing withdrew, whatever generation."""
    every = with_status().where(findings.c.rule_id == rule_id).subquery("every")
    query = select(every.c.jr_id, every.c.version, every.c.subject_key).where(every.c.status.in_([Status.OPEN.value, Status.HELD.value]))
    for start in range(0, len(subjects), _CHUNK):
        yield from db.execute(query.where(every.c.subject_key.in_(subjects[start : start + _CHUNK]))).mappings()
    later = db.execute(query.where(every.c.subject_key.contains(GENERATION, autoescape=True))).mappings()
    wanted = frozenset(subjects)
    yield from (row for row in later if subject_of(row["subject_key"]) in wanted)


def judged(db: Connection, rule_id: str) -> Iterator[RowMapping]:
    """(subject_key, status) of a rule's confirmed and dismissed findings."""
    every = with_status().where(findings.c.rule_id == rule_id).subquery("every")
    decided = every.c.status.in_([Status.CONFIRMED.value, Status.DISMISSED.value])
    yield from db.execute(select(every.c.subject_key, every.c.status).where(decided).order_by(every.c.jr_id)).mappings()


def named(db: Connection, rule_id: str | None) -> Iterator[Mapping[str, Any]]:
    """What supports each finding (of one rule where given) that was not withdrawn, held ones among them."""
    standing = select(findings.c.vola_evid).where(findings.c.withdrawn_at.is_(None))
    yield from db.scalars(standing if rule_id is None else standing.where(findings.c.rule_id == rule_id))


def subjects_held(db: Connection, held: str) -> Sequence[str]:
    """subject_key of every finding that this holds."""
    return db.scalars(select(findings.c.subject_key).where(findings.c.held == held)).all()


def subjects_staged(db: Connection, rule_id: str) -> Sequence[str]:
    """subject_key of a rule's unreviewed findings that its stage holds."""
    every = with_status().where(findings.c.rule_id == rule_id).subquery("every")
    held = every.c.held.in_([stage.value for stage in Stage])
    return db.scalars(select(every.c.subject_key).where(every.c.status == Status.HELD.value, held)).all()


def outcomes(db: Connection) -> Sequence[RowMapping]:
    """(fixmedins_code, found_at, reviewed_at, status) of every finding that is open, confirmed or dismissed."""
    every = with_status().subquery("every")
    shown = [status.value for status in (Status.OPEN, Status.CONFIRMED, Status.DISMISSED)]
    names = (every.c.fixmedins_code, every.c.found_at, every.c.reviewed_at, every.c.status)
    return db.execute(select(*names).where(every.c.status.in_(shown))).mappings().all()


def rule_ids(db: Connection) -> tuple[str, ...]:
    """Rules that have findings."""
    return tuple(db.scalars(select(findings.c.rule_id).distinct().order_by(findings.c.rule_id)))


def of_rules(db: Connection, rules: Collection[str], about: Mapping[str, Collection[str]]) -> Iterator[RowMapping]:
    """Every finding of these rules with its last review (`verdict`, `reviewed_at`); of a rule in `about` those whose subject begins with
    such a value and a slash."""
    joined, last = _with_last_review()
    query = select(findings, last.c.verdict, last.c.at.label("reviewed_at")).select_from(joined)
    yield from db.execute(query.where(findings.c.rule_id.in_([rule for rule in rules if rule not in about]))).mappings()
    for rule in sorted(set(rules) & set(about)):
        values = sorted(f"{value}/" for value in about[rule])
        for start in range(0, len(values), _AT_ONCE):
            begins = [findings.c.subject_key.startswith(value, autoescape=True) for value in values[start : start + _AT_ONCE]]
            found = db.execute(query.where(findings.c.rule_id == rule, or_(false(), *begins))).mappings()
            yield from (row for row in found if row["subject_key"].startswith(tuple(values)))  # SQLite's LIKE knows no case


def add(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert findings."""
    if rows:
        db.execute(insert(findings), list(rows))


def overwrite(db: Connection, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Overwrite columns of findings, each as its next version."""
    for jr_id, values in rows:
        db.execute(update(findings).where(findings.c.jr_id == jr_id).values(**values, version=findings.c.version + 1))


def withdraw(db: Connection, jr_ids: Sequence[str], *, now: datetime) -> None:
    """Mark findings as no longer supported, each as its next version."""
    withdrawn = update(findings).values(withdrawn_at=now, version=findings.c.version + 1)
    for start in range(0, len(jr_ids), _CHUNK):
        db.execute(withdrawn.where(findings.c.jr_id.in_(jr_ids[start : start + _CHUNK])))


def rows_of(db: Connection, jr_ids: Sequence[str]) -> Iterator[RowMapping]:
    """The columns of these findings as they stand."""
    for start in range(0, len(jr_ids), _CHUNK):
        yield from db.execute(select(findings).where(findings.c.jr_id.in_(jr_ids[start : start + _CHUNK]))).mappings()


def add_rule_fault(db: Connection, *, run_id: int, rule_id: str, message: str, now: datetime) -> None:
    """Note that a rule could not be run."""
    db.execute(insert(rule_faults).values(run_id=run_id, rule_id=rule_id, message=message, at=now))


def rule_faults_of(db: Connection, run_id: int) -> Sequence[RowMapping]:
    """Rules that could not be run in a run."""
    return db.execute(select(rule_faults).where(rule_faults.c.run_id == run_id).order_by(rule_faults.c.fault_id)).mappings().all()
