"""All SQL about pushes and pulls."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, select, text, update

from central.db import upsert
from central.imports.tables import pulls, pushes

_PUSHES = 7_301_846


def push(db: Connection, actor: str, push_key: str) -> RowMapping | None:
    """What was sent under a key."""
    same = (pushes.c.actor == actor) & (pushes.c.push_key == push_key)
    return db.execute(select(pushes).where(same)).mappings().first()


def lock_push(db: Connection, actor: str, push_key: str) -> None:
    """Of two that send under one key at once let the second see what the first noted (SQLite has one writer anyway)."""
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:pushes, hashtext(:name))"), {"pushes": _PUSHES, "name": f"{actor}/{push_key}"})


def put_push(db: Connection, *, actor: str, push_key: str, dataset: str, sha256: str, now: datetime) -> None:
    """Note a key before its content is taken in, or that taking in begins anew."""
    said = {"actor": actor, "push_key": push_key, "dataset": dataset, "sha256": sha256, "received_at": now}
    upsert(db, pushes, [said], ("actor", "push_key"))


def answer_push(db: Connection, *, actor: str, push_key: str, import_id: int, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep what is answered; the answer, which is the first one where two took in the same."""
    same = (pushes.c.actor == actor) & (pushes.c.push_key == push_key)
    db.execute(update(pushes).where(same, pushes.c.import_id.is_(None)).values(import_id=import_id, answer=dict(answer)))
    kept = push(db, actor, push_key)
    return answer if kept is None or kept["answer"] is None else dict(kept["answer"])


def forget_pushes(db: Connection, before: datetime) -> None:
    """Forget keys that were given before a moment."""
    db.execute(delete(pushes).where(pushes.c.received_at < before))


def drop_push(db: Connection, actor: str, push_key: str) -> None:
    """Forget a key whose content was refused as a whole, so that it may be sent again."""
    db.execute(delete(pushes).where((pushes.c.actor == actor) & (pushes.c.push_key == push_key)))


def watermark(db: Connection, name: str) -> str | None:
    """How far a pull has come."""
    return db.scalar(select(pulls.c.watermark).where(pulls.c.name == name))


def set_watermark(db: Connection, name: str, value: str | None, *, now: datetime) -> None:
    """Note how far it came."""
    upsert(db, pulls, [{"name": name, "watermark": value, "pulled_at": now}], ("name",))
