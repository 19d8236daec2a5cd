"""All SQL about the hot list and the second looks."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, insert, select, true, update

from central.db import insert_new
from central.hotlist.model import Decision
from central.hotlist.tables import hot_list, second_looks


def add(db: Connection, row: Mapping[str, Any]) -> int:
    """A new entry; its number."""
    key = db.execute(insert(hot_list).values(**row)).inserted_primary_key
    assert key is not None  # noqa: S101 - the table has one
    return int(key[0])


def entries(db: Connection, *, only_open: bool) -> Sequence[RowMapping]:
    """Entries, newest first."""
    which = hot_list.c.ended_at.is_(None) if only_open else true()
    return db.execute(select(hot_list).where(which).order_by(hot_list.c.entry_id.desc())).mappings().all()


def entry(db: Connection, entry_id: int) -> RowMapping | None:
    """One entry, or None."""
    return db.execute(select(hot_list).where(hot_list.c.entry_id == entry_id)).mappings().first()


def unswept(db: Connection) -> Sequence[RowMapping]:
    """Entries whose past was not searched yet, oldest first."""
    return db.execute(select(hot_list).where(hot_list.c.swept_at.is_(None)).order_by(hot_list.c.entry_id)).mappings().all()


def change(db: Connection, entry_id: int, changes: Mapping[str, Any]) -> None:
    """Note something about an entry."""
    db.execute(update(hot_list).where(hot_list.c.entry_id == entry_id).values(**changes))


def queue(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Second looks that are due; one that is known stays as it is."""
    insert_new(db, second_looks, rows, ["subject", "entry_id"])


def look(db: Connection, subject: str, entry_id: int) -> RowMapping | None:
    """One second look, or None."""
    same = and_(second_looks.c.subject == subject, second_looks.c.entry_id == entry_id)
    return db.execute(_looks().where(same)).mappings().first()


def page(db: Connection, wanted: Mapping[str, Any], *, offset: int, size: int) -> tuple[Sequence[RowMapping], int]:
    """Second looks with these values, newest first, and how many there are. A decision "open" stands for none."""
    same = _same(wanted)
    total = db.scalar(select(func.count()).select_from(second_looks).where(same)) or 0
    newest = (second_looks.c.seen_at.desc(), second_looks.c.subject, second_looks.c.entry_id)
    return db.execute(_looks().where(same).order_by(*newest).offset(offset).limit(size)).mappings().all(), total


def about(db: Connection, subjects: Collection[str]) -> Sequence[RowMapping]:
    """Second looks at any of these, oldest first."""
    found = _looks().where(second_looks.c.subject.in_(list(subjects)))
    return db.execute(found.order_by(second_looks.c.queued_at, second_looks.c.entry_id)).mappings().all()


def decide(db: Connection, subject: str, entry_id: int, said: Mapping[str, Any]) -> int:
    """Note what a person says, unless somebody said something before; how many rows changed."""
    same = and_(second_looks.c.subject == subject, second_looks.c.entry_id == entry_id, second_looks.c.decision.is_(None))
    return db.execute(update(second_looks).where(same).values(**said)).rowcount


def doubted(db: Connection, kind: str) -> Sequence[str]:
    """Subjects of one kind about which nobody has said yet that they may be kept, or somebody that they may not."""
    doubt = second_looks.c.decision.is_(None) | (second_looks.c.decision == Decision.DISTRUST.value)
    return db.scalars(select(second_looks.c.subject).where(second_looks.c.kind == kind, doubt).distinct()).all()


def _looks() -> Any:
    told = (hot_list.c.kind.label("hot_kind"), hot_list.c.value.label("hot_value"), hot_list.c.reason.label("why"))
    return select(second_looks, *told).join(hot_list)


def _same(wanted: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(
        true(),
        *(
            second_looks.c.decision.is_(None) if (name, value) == ("decision", "open") else second_looks.c[name] == value
            for name, value in wanted.items()
        ),
    )
