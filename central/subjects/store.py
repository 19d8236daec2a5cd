"""All SQL about what was erased."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from central.subjects.tables import erasures


def add(db: Connection, row: Mapping[str, Any]) -> int:
    """Keep an erasing; its number."""
    key = db.execute(insert(erasures).values(**row)).inserted_primary_key
    assert key is not None  # noqa: S101 - the table numbers its rows
    return int(key[0])


def put_statement(db: Connection, erasure_id: int, statement: bytes) -> None:
    """Keep the statement that was signed."""
    db.execute(update(erasures).where(erasures.c.erasure_id == erasure_id).values(statement=statement))


def one(db: Connection, erasure_id: int) -> RowMapping | None:
    """One erasing, or None."""
    return db.execute(select(erasures).where(erasures.c.erasure_id == erasure_id)).mappings().first()


def of_person(db: Connection, psn_no: str) -> Sequence[RowMapping]:
    """Every erasing of one person, the newest first."""
    return db.execute(select(erasures).where(erasures.c.psn_no == psn_no).order_by(erasures.c.erasure_id.desc())).mappings().all()


def newest_of_all(db: Connection) -> Sequence[RowMapping]:
    """(erasure_id, psn_no, held, reference) of the newest erasing of every person."""
    names = (erasures.c.erasure_id, erasures.c.psn_no, erasures.c.held, erasures.c.reference)
    rows = db.execute(select(*names).order_by(erasures.c.erasure_id)).mappings()
    return list({row["psn_no"]: row for row in rows}.values())
