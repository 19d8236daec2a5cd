"""All SQL about the queue of news."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from central.changes.tables import changes


def add(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Queue news."""
    if rows:
        db.execute(insert(changes), list(rows))


def oldest(db: Connection, limit: int) -> Sequence[RowMapping]:
    """The oldest news."""
    return db.execute(select(changes).order_by(changes.c.change_id).limit(limit)).mappings().all()


def numbers(db: Connection) -> Sequence[int]:
    """The numbers of all news, in order."""
    return db.scalars(select(changes.c.change_id).order_by(changes.c.change_id)).all()


def any_here(db: Connection) -> bool:
    """Whether there is news."""
    return db.scalar(select(changes.c.change_id).limit(1)) is not None


def remove(db: Connection, first: int, last: int) -> None:
    """Take the news of a range off the queue."""
    db.execute(delete(changes).where(changes.c.change_id.between(first, last)))
