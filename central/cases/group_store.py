"""All SQL about groups of findings."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Subquery, delete, func, insert, select, tuple_

from central.cases.model import Status
from central.cases.store import with_status
from central.cases.tables import finding_groups, finding_keys, findings
from central.db import upsert

_CHUNK = 500


def _chunks(values: Collection[Any]) -> Iterator[list[Any]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def ungrouped(db: Connection) -> Sequence[str]:
    """Findings that no group knows yet."""
    known = select(finding_groups.c.jr_id).where(finding_groups.c.jr_id == findings.c.jr_id)
    return db.scalars(select(findings.c.jr_id).where(~known.exists())).all()


def replace_keys(db: Connection, jr_ids: Collection[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Say anew what these findings name."""
    for some in _chunks(jr_ids):
        db.execute(delete(finding_keys).where(finding_keys.c.jr_id.in_(some)))
    if rows:
        db.execute(insert(finding_keys), list(rows))


def keys(db: Connection, jr_ids: Collection[str]) -> Iterator[RowMapping]:
    """What these findings name, with the time of each finding."""
    named = select(finding_keys, findings.c.occurred_at).join(findings, findings.c.jr_id == finding_keys.c.jr_id)
    for some in _chunks(jr_ids):
        yield from db.execute(named.where(finding_keys.c.jr_id.in_(some))).mappings()


def times(db: Connection, jr_ids: Collection[str]) -> Iterator[RowMapping]:
    """(jr_id, occurred_at) of these findings."""
    for some in _chunks(jr_ids):
        yield from db.execute(select(findings.c.jr_id, findings.c.occurred_at).where(findings.c.jr_id.in_(some))).mappings()


def naming(db: Connection, pairs: Collection[tuple[str, str]]) -> Iterator[str]:
    """Findings that name one of these, given as (value, kind)."""
    for some in _chunks(pairs):
        yield from db.scalars(select(finding_keys.c.jr_id).where(tuple_(finding_keys.c.value, finding_keys.c.kind).in_(some)).distinct())


def groups_of(db: Connection, jr_ids: Collection[str]) -> dict[str, str]:
    """The group of each of these findings, where it has one."""
    found: dict[str, str] = {}
    for some in _chunks(jr_ids):
        found.update((row.jr_id, row.group_id) for row in db.execute(select(finding_groups).where(finding_groups.c.jr_id.in_(some))))
    return found


def members(db: Connection, group_ids: Collection[str]) -> Iterator[str]:
    """The findings of these groups."""
    for some in _chunks(group_ids):
        yield from db.scalars(select(finding_groups.c.jr_id).where(finding_groups.c.group_id.in_(some)))


def put(db: Connection, groups: Mapping[str, str]) -> None:
    """Note to which group findings belong."""
    upsert(db, finding_groups, [{"jr_id": jr_id, "group_id": group_id} for jr_id, group_id in sorted(groups.items())], ["jr_id"])


def _groups() -> Subquery:
    """Groups of two and more with their figures."""
    every = with_status().subquery("every")
    opened = func.count().filter(every.c.status == Status.OPEN.value)
    joined = select(
        finding_groups.c.group_id,
        func.count().label("findings"),
        opened.label("open"),
        func.min(every.c.occurred_at).label("first_at"),
        func.max(every.c.occurred_at).label("last_at"),
    ).join(every, every.c.jr_id == finding_groups.c.jr_id)
    return joined.group_by(finding_groups.c.group_id).having(func.count() > 1).subquery("groups")


def page(db: Connection, *, only_open: bool, offset: int, size: int) -> tuple[Sequence[RowMapping], int]:
    """Groups of two and more, those that moved last first, and how many there are in all."""
    groups = _groups()
    query = select(groups).where(groups.c.open > 0) if only_open else select(groups)
    total = db.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(groups.c.last_at.desc(), groups.c.group_id).limit(size).offset(offset)
    return db.execute(ordered).mappings().all(), total


def particulars(db: Connection, group_ids: Collection[str]) -> Iterator[RowMapping]:
    """(group_id, rule_id, fixmedins_code), each once."""
    joined = select(finding_groups.c.group_id, findings.c.rule_id, findings.c.fixmedins_code).join(findings)
    for some in _chunks(group_ids):
        yield from db.execute(joined.where(finding_groups.c.group_id.in_(some)).distinct()).mappings()


def shared(db: Connection, group_ids: Collection[str]) -> Iterator[RowMapping]:
    """(group_id, kind, value, findings) of what two and more findings of a group name."""
    number = func.count().label("findings")
    columns = (finding_groups.c.group_id, finding_keys.c.kind, finding_keys.c.value)
    joined = select(*columns, number).join(finding_keys, finding_keys.c.jr_id == finding_groups.c.jr_id)
    for some in _chunks(group_ids):
        yield from db.execute(joined.where(finding_groups.c.group_id.in_(some)).group_by(*columns).having(number > 1)).mappings()


def views(db: Connection, group_id: str) -> Sequence[RowMapping]:
    """The findings of a group with status, the newest first."""
    every = with_status().subquery("every")
    joined = select(every).join(finding_groups, finding_groups.c.jr_id == every.c.jr_id).where(finding_groups.c.group_id == group_id)
    return db.execute(joined.order_by(every.c.occurred_at.desc(), every.c.jr_id)).mappings().all()
