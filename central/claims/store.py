"""All SQL about settlements and their older versions. How they are written is the matter of `central.feeds`."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select, tuple_

from central.claims.model import NAMES, Key, Settlement
from central.claims.tables import settlement_versions, settlements
from central.inputs import SETTLEMENTS

_columns = settlements.c


def one(db: Connection, key: Key) -> Settlement | None:
    """One settlement, or None."""
    row = db.execute(select(settlements).where(_among([key]))).mappings().first()
    return None if row is None else _settlement(row)


def of_persons(db: Connection, persons: Collection[str]) -> Iterator[Settlement]:
    """Every settlement of these persons, in the order of its key."""
    query = select(settlements).where(_columns.psn_no.in_(list(persons))).order_by(_columns.fixmedins_code, _columns.setl_id)
    yield from (_settlement(row) for row in db.execute(query).mappings())


def stated_by(db: Connection, key: Key) -> RowMapping | None:
    """A settlement's hash and the number of the newest import that stated it; None if it is not here."""
    return db.execute(select(settlements.c.row_sha256, settlements.c.import_id).where(_among([key]))).mappings().first()


def versions(db: Connection, key: Key) -> Sequence[RowMapping]:
    """What was said of a settlement before, oldest first."""
    same = (settlement_versions.c.fixmedins_code == key[0]) & (settlement_versions.c.setl_id == key[1])
    return db.execute(select(settlement_versions).where(same).order_by(settlement_versions.c.version_id)).mappings().all()


def for_analysis(keys: Collection[Key] | None = None) -> Select[Any]:
    """The columns that linkage and rules read, of every settlement or of these."""
    query = select(*(_columns[name] for name in SETTLEMENTS.names if name in _columns))
    return query if keys is None else query.where(_among(keys))


def _among(keys: Collection[Key]) -> Any:
    return tuple_(_columns.fixmedins_code, _columns.setl_id).in_(list(keys))


def _settlement(row: RowMapping) -> Settlement:
    return Settlement(**{name: row[name] for name in NAMES})
