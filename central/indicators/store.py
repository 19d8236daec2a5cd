"""All SQL about indicators."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, delete, func, select, tuple_

from central.db import upsert
from central.indicators.model import COUNTS
from central.indicators.tables import indicator_days, indicator_sites

KEY = ("fixmedins_code", "dr", "day")
_days = indicator_days.c
_CHUNK = 1000


def stored(since: int) -> Select[Any]:
    """What was counted from a day on."""
    return select(indicator_days).where(_days.day >= since)


def remove(db: Connection, keys: Sequence[tuple[str, str, int]]) -> None:
    """Remove counts."""
    for start in range(0, len(keys), _CHUNK):
        db.execute(delete(indicator_days).where(tuple_(*(_days[name] for name in KEY)).in_(keys[start : start + _CHUNK])))


def put(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or overwrite counts."""
    upsert(db, indicator_days, rows, KEY)


def put_sites(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Say what is known now of these institutions; others stay as they were."""
    upsert(db, indicator_sites, rows, ["fixmedins_code"])


def sites(db: Connection) -> Sequence[RowMapping]:
    """The institutions as they were compared."""
    return db.execute(select(indicator_sites)).mappings().all()


def span(db: Connection) -> tuple[int, int] | None:
    """The first and the last day with counts, or None."""
    first, last = db.execute(select(func.min(_days.day), func.max(_days.day))).one()
    return None if first is None else (first, last)


def sums(db: Connection, indicators: Sequence[str], since: int, until: int, *, doctors: bool) -> Iterator[RowMapping]:
    """By institution and doctor: each count from day to day (both included), and on how many days there was something to count."""
    wanted: list[ColumnElement[Any]] = []
    for name in indicators:
        some = func.count().filter(_days[f"{name}_of"] > 0).label(f"{name}_days")
        wanted += [func.sum(_days[f"{name}_n"]).label(f"{name}_n"), func.sum(_days[f"{name}_of"]).label(f"{name}_of"), some]
    query = select(_days.fixmedins_code, _days.dr, *wanted).where(_days.day.between(since, until), (_days.dr != "") == doctors)
    yield from db.execute(query.group_by(_days.fixmedins_code, _days.dr)).mappings()


def by_day(db: Connection, codes: Sequence[str] | None, dr: str | None, since: int, until: int) -> Sequence[RowMapping]:
    """Each count by day, of some institutions (None: all) together, or of one doctor wherever he works."""
    wanted = [func.sum(_days[name]).label(name) for name in COUNTS]
    query = select(_days.day, *wanted).where(_days.day.between(since, until), _days.dr == (dr or ""))
    if codes is not None:
        query = query.where(_days.fixmedins_code.in_(list(codes)))
    return db.execute(query.group_by(_days.day).order_by(_days.day)).mappings().all()
