"""All SQL about orders."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, insert, select, update

from central.orders.tables import orders


def add(db: Connection, row: Mapping[str, Any]) -> None:
    """A new order."""
    db.execute(insert(orders).values(**row))


def one(db: Connection, request: str) -> RowMapping | None:
    """One order, or None."""
    return db.execute(select(orders).where(orders.c.request == request)).mappings().first()


def page(db: Connection, wanted: Mapping[str, Any], kinds: Collection[str], *, offset: int, size: int) -> tuple[Sequence[RowMapping], int]:
    """Orders of these kinds with these values, newest first, and how many there are."""
    same = and_(orders.c.kind.in_(list(kinds)), *(orders.c[name] == value for name, value in wanted.items()))
    total = db.scalar(select(func.count()).select_from(orders).where(same)) or 0
    newest = (orders.c.asked_at.desc(), orders.c.request)
    return db.execute(select(orders).where(same).order_by(*newest).offset(offset).limit(size)).mappings().all(), total


def open_now(db: Connection, now: datetime) -> Sequence[RowMapping]:
    """Orders that wait for an answer, oldest first."""
    return db.execute(select(orders).where(_open(now)).order_by(orders.c.asked_at, orders.c.request)).mappings().all()


def is_open(db: Connection, *, kind: str, device_id: str, subject: str, now: datetime) -> bool:
    """Whether the same waits for an answer."""
    same = and_(orders.c.kind == kind, orders.c.device_id == device_id, orders.c.subject == subject, _open(now))
    return db.scalar(select(orders.c.request).where(same).limit(1)) is not None


def open_counts(db: Connection, now: datetime) -> dict[str, int]:
    """How many orders of each device wait for an answer."""
    return {row[0]: row[1] for row in db.execute(select(orders.c.device_id, func.count()).where(_open(now)).group_by(orders.c.device_id))}


def note_sent(db: Connection, request: str, *, now: datetime) -> None:
    """It was sent once more."""
    db.execute(update(orders).where(orders.c.request == request).values(sent_at=now, times_sent=orders.c.times_sent + 1))


def answer(db: Connection, request: str, told: Mapping[str, Any]) -> None:
    """Note the first answer; a later one changes nothing."""
    db.execute(update(orders).where(orders.c.request == request, orders.c.answered_at.is_(None)).values(**told))


def of_kind(db: Connection, kind: str) -> Sequence[RowMapping]:
    """Every order of a kind, oldest first."""
    return db.execute(select(orders).where(orders.c.kind == kind).order_by(orders.c.asked_at, orders.c.request)).mappings().all()


def about(db: Connection, *, kind: str, device_id: str, subjects: Collection[str]) -> Sequence[RowMapping]:
    """Orders of a kind about any of these, newest first."""
    same = and_(orders.c.kind == kind, orders.c.device_id == device_id, orders.c.subject.in_(list(subjects)))
    return db.execute(select(orders).where(same).order_by(orders.c.asked_at.desc(), orders.c.request)).mappings().all()


def _open(now: datetime) -> ColumnElement[bool]:
    return and_(orders.c.answered_at.is_(None), orders.c.valid_until > now)
