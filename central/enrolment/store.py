"""All SQL about planned terminals, cameras and tokens."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from central.db import upsert
from central.enrolment.tables import cameras, enrolment_tokens, terminals


def put_terminal(db: Connection, row: Mapping[str, Any], camera_rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or overwrite a planned terminal with its cameras."""
    upsert(db, terminals, [row], ["device_id"])
    db.execute(delete(cameras).where(cameras.c.device_id == row["device_id"]))
    db.execute(insert(cameras), [dict(each) for each in camera_rows])


def terminal(db: Connection, device_id: str) -> RowMapping | None:
    """One planned terminal, or None."""
    return db.execute(select(terminals).where(terminals.c.device_id == device_id)).mappings().first()


def terminals_of(db: Connection, fixmedins_code: str) -> list[str]:
    """The planned terminals of a site, by name."""
    return list(
        db.scalars(select(terminals.c.device_id).where(terminals.c.fixmedins_code == fixmedins_code).order_by(terminals.c.device_id))
    )


def every_terminal(db: Connection) -> Sequence[RowMapping]:
    """Name and site of every planned terminal, by name."""
    return db.execute(select(terminals.c.device_id, terminals.c.fixmedins_code).order_by(terminals.c.device_id)).mappings().all()


def cameras_of(db: Connection, device_id: str) -> Sequence[RowMapping]:
    """The cameras of a terminal in the order in which they were planned."""
    return db.execute(select(cameras).where(cameras.c.device_id == device_id).order_by(cameras.c.place)).mappings().all()


def add_token(db: Connection, row: Mapping[str, Any]) -> None:
    """A new token."""
    db.execute(insert(enrolment_tokens).values(**row))


def locked_token(db: Connection, token_id: str) -> RowMapping | None:
    """One token, held until the transaction ends: of two requests that come at once one waits for the other."""
    return db.execute(select(enrolment_tokens).where(enrolment_tokens.c.token_id == token_id).with_for_update()).mappings().first()


def tokens_of(db: Connection, device_id: str) -> Sequence[RowMapping]:
    """Every token of a terminal, newest first."""
    mine = select(enrolment_tokens).where(enrolment_tokens.c.device_id == device_id)
    return db.execute(mine.order_by(enrolment_tokens.c.issued_at.desc(), enrolment_tokens.c.token_id)).mappings().all()


def withdraw_open(db: Connection, device_id: str, *, now: datetime) -> None:
    """No token of this terminal that is not used counts any more."""
    unused = (enrolment_tokens.c.used_at.is_(None), enrolment_tokens.c.withdrawn_at.is_(None))
    db.execute(update(enrolment_tokens).where(enrolment_tokens.c.device_id == device_id, *unused).values(withdrawn_at=now))


def use_token(db: Connection, token_id: str, used: Mapping[str, Any]) -> None:
    """Note by which keys a token was used and what was answered."""
    db.execute(update(enrolment_tokens).where(enrolment_tokens.c.token_id == token_id).values(**used))
