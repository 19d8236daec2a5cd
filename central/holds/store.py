"""All SQL about holds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from central.db import insert_new
from central.holds.model import What
from central.holds.tables import hold_items, holds

_STANDS = holds.c.released_at.is_(None)


def add(db: Connection, row: Mapping[str, Any]) -> int:
    """Insert a hold; its number."""
    number: int = db.execute(insert(holds).values(row).returning(holds.c.hold_id)).scalar_one()
    return number


def lock(db: Connection, hold_id: int) -> RowMapping | None:
    """One hold, kept from others until the transaction ends; None if there is none."""
    return db.execute(select(holds).where(holds.c.hold_id == hold_id).with_for_update()).mappings().first()


def change(db: Connection, hold_id: int, values: Mapping[str, Any]) -> None:
    """Overwrite columns of a hold."""
    db.execute(update(holds).where(holds.c.hold_id == hold_id).values(**values))


def every(db: Connection, *, standing: bool) -> Sequence[RowMapping]:
    """Holds, newest first; only those that keep something now, or all."""
    query = select(holds).order_by(holds.c.hold_id.desc())
    return db.execute(query.where(_STANDS) if standing else query).mappings().all()


def keeping(db: Connection, what: What, name: str) -> Sequence[RowMapping]:
    """The standing holds that keep this capture or person."""
    query = select(holds).join(hold_items).where(_STANDS, hold_items.c.what == what.value, hold_items.c.name == name)
    return db.execute(query.order_by(holds.c.hold_id)).mappings().all()


def kept(db: Connection, what: What) -> frozenset[str]:
    """Every capture, or person, that a standing hold keeps."""
    query = select(hold_items.c.name).join(holds).where(_STANDS, hold_items.c.what == what.value)
    return frozenset(db.scalars(query))


def add_items(db: Connection, hold_id: int, what: What, names: Iterable[str]) -> None:
    """Keep these too; what is kept already stays."""
    rows = [{"hold_id": hold_id, "what": what.value, "name": name} for name in sorted(set(names))]
    insert_new(db, hold_items, rows, ["hold_id", "what", "name"])


def about(db: Connection, kind: str, subject: str) -> Sequence[RowMapping]:
    """Every hold on one thing, released ones included, oldest first."""
    same = (holds.c.kind == kind) & (holds.c.subject == subject)
    return db.execute(select(holds).where(same).order_by(holds.c.hold_id)).mappings().all()
