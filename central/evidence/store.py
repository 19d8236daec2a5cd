"""All SQL about sealed objects and their parts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from central.db import insert_new
from central.evidence.tables import media, media_parts


def announce(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Expect objects that a capture named; objects already known stay as they are."""
    insert_new(db, media, rows, ["media_id"])


def one(db: Connection, media_id: str) -> RowMapping | None:
    """One object's row, or None."""
    return db.execute(select(media).where(media.c.media_id == media_id)).mappings().first()


def of_capture(db: Connection, capture_id: str) -> Sequence[RowMapping]:
    """The objects of one capture."""
    return db.execute(select(media).where(media.c.capture_id == capture_id).order_by(media.c.role)).mappings().all()


def erasable(db: Connection, before: datetime, *, after: str, limit: int) -> Sequence[RowMapping]:
    """Objects of devices that were announced before then and are here, by name, those above `after`."""
    here = media.c.stored_at.is_not(None) & media.c.erased_at.is_(None) & media.c.device_id.is_not(None)
    query = select(media.c.media_id, media.c.capture_id).where(here, media.c.announced_at < before, media.c.media_id > after)
    return db.execute(query.order_by(media.c.media_id).limit(limit)).mappings().all()


def mark_erased(db: Connection, media_ids: Sequence[str], *, now: datetime) -> None:
    """These objects are in the store no more."""
    db.execute(update(media).where(media.c.media_id.in_(media_ids)).values(erased_at=now))


def expect_no_more(db: Connection, media_ids: Sequence[str], *, now: datetime) -> None:
    """Those of these objects that have not come are erased before they do, and the parts that have come."""
    waiting = media.c.media_id.in_(media_ids) & media.c.stored_at.is_(None) & media.c.erased_at.is_(None)
    db.execute(update(media).where(waiting).values(erased_at=now))
    db.execute(delete(media_parts).where(media_parts.c.media_id.in_(media_ids)))


def keep_part(db: Connection, row: Mapping[str, Any]) -> None:
    """Keep one part until the others are there."""
    insert_new(db, media_parts, [row], ["media_id", "device_id", "part_index"])


def parts_held(db: Connection, media_id: str, device_id: str) -> int:
    """How many parts of an object are here."""
    condition = (media_parts.c.media_id == media_id) & (media_parts.c.device_id == device_id)
    return db.scalar(select(func.count()).select_from(media_parts).where(condition)) or 0


def join_parts(db: Connection, media_id: str, device_id: str) -> bytes:
    """All parts in order."""
    condition = (media_parts.c.media_id == media_id) & (media_parts.c.device_id == device_id)
    return b"".join(db.scalars(select(media_parts.c.body).where(condition).order_by(media_parts.c.part_index)))


def drop_parts(db: Connection, media_id: str, device_id: str) -> None:
    """Forget the parts of an object that is stored whole, or was false."""
    db.execute(delete(media_parts).where(media_parts.c.media_id == media_id, media_parts.c.device_id == device_id))


def awaited(db: Connection, device_id: str) -> int:
    """How many of a device's objects are not stored and are still wanted."""
    wanted = media.c.stored_at.is_(None) & media.c.erased_at.is_(None)
    return db.scalar(select(func.count()).select_from(media).where(media.c.device_id == device_id, wanted)) or 0


def mark_stored(db: Connection, media_id: str, *, now: datetime) -> None:
    """The object is in the store."""
    db.execute(update(media).where(media.c.media_id == media_id, media.c.stored_at.is_(None)).values(stored_at=now))
