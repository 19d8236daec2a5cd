"""All SQL that reads registers. How they are written is the matter of `central.feeds`."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import BigInteger, Connection, Select, and_, func, or_, select, tuple_, type_coerce

from central.arrow import read_table
from central.inputs import SCHEMAS
from central.registers.tables import SPECS, TABLES, versions

_DAY = 86_400_000_000
_AT_ONCE = 500


def table(db: Connection, name: str, keys: Sequence[tuple[str, str]] | None = None) -> pa.Table:
    """A register with those of its columns that are compared; a key that is empty as null. Of these settlements only, if given."""
    here, spec = TABLES[name], SPECS[name]
    optional = {column.name for column in spec.columns if not column.required and column.name in spec.key}
    columns = [
        func.nullif(column, "", type_=column.type).label(column.name)
        if column.name in optional and column.type.python_type is str
        else column
        for column in here.c
        if column.name in SCHEMAS[name].names
    ]
    if keys is None:
        return read_table(db, select(*columns))
    settled = tuple_(here.c.fixmedins_code, here.c.setl_id)
    parts = [keys[start : start + _AT_ONCE] for start in range(0, len(keys) or 1, _AT_ONCE)]
    return pa.concat_tables([read_table(db, select(*columns).where(settled.in_(part))) for part in parts])


def size(db: Connection, name: str) -> int:
    """How many rows a register has."""
    return db.scalar(select(func.count()).select_from(TABLES[name])) or 0


def history(db: Connection, name: str, key: str) -> Sequence[Any]:
    """What was said of a row before, oldest first."""
    same = (versions.c.dataset == name) & (versions.c.key == key)
    return db.execute(select(versions).where(same).order_by(versions.c.version_id)).mappings().all()


def alive_after_death(db: Connection) -> list[str]:
    """Persons who were admitted, or seen as themselves at a round, more than a day after the day of death began."""
    persons, stays, rounds = TABLES["persons"], TABLES["stays"], TABLES["rounds"]
    died = _micros(persons.c.death_date) + 2 * _DAY
    admitted = select(stays.c.psn_no).where(stays.c.psn_no == persons.c.psn_no, _micros(stays.c.admitted_at) > died).exists()
    here = and_(rounds.c.psn_no == persons.c.psn_no, rounds.c.outcome == "same", _micros(rounds.c.at) > died)
    seen = select(rounds.c.psn_no).where(here).exists()
    return _texts(db, select(persons.c.psn_no).where(persons.c.death_date.is_not(None), or_(admitted, seen)))


def shared_codes(db: Connection) -> list[str]:
    """Staff codes that belong to two known persons at a time."""
    one, two = TABLES["staff"].alias("one"), TABLES["staff"].alias("two")
    overlap = and_(one.c.valid_from < two.c.valid_to, two.c.valid_from < one.c.valid_to)
    known = and_(one.c.code != "", one.c.psn_no != "", one.c.psn_no < two.c.psn_no, two.c.psn_no != "")
    return _texts(db, select(one.c.code).distinct().join(two, and_(one.c.code == two.c.code, overlap)).where(known))


def double_stays(db: Connection) -> list[tuple[str, str]]:
    """(fixmedins_code, mdtrt_id) of stays of one person in two institutions that overlap by more than a day."""
    one, two = TABLES["stays"].alias("one"), TABLES["stays"].alias("two")
    begins, ends = _micros(one.c.admitted_at) + _DAY, _micros(one.c.discharged_at)
    open_end = func.coalesce(_micros(two.c.discharged_at), _micros(two.c.admitted_at) + 2 * _DAY)
    own_end = func.coalesce(ends, _micros(one.c.admitted_at) + 2 * _DAY)
    overlap = and_(begins < open_end, _micros(two.c.admitted_at) + _DAY < own_end)
    apart = and_(one.c.psn_no == two.c.psn_no, one.c.fixmedins_code != two.c.fixmedins_code, overlap)
    query = select(one.c.fixmedins_code, one.c.mdtrt_id).distinct().join(two, apart)
    return [(row[0], row[1]) for row in db.execute(query.order_by(one.c.fixmedins_code, one.c.mdtrt_id))]


def _texts(db: Connection, query: Select[Any]) -> list[str]:
    return sorted(db.scalars(query))


def _micros(column: Any) -> Any:
    return type_coerce(column, BigInteger)
