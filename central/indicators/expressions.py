"""All indicators as one relational expression: portable, without a clock, the same on every engine."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from central.engines.base import Planner, Step, sql_of
from central.indicators import billing, presence
from central.indicators.model import COUNTS
from central.rules.base import Tables
from central.rules.model import IndicatorLimits

OUTCOMES = pa.schema(
    [
        pa.field("fixmedins_code", pa.string()),
        *(pa.field(name, pa.int64()) for name in ("day", "confirmed_n", "confirmed_of", "overdue_n", "overdue_of")),
    ]
)
"""What became of findings, by institution and the day in China on which they were found; the service counts it."""
OUTCOMES_NAME = "finding_outcomes"

KEY = ("fixmedins_code", "dr", "day")
PARTS: tuple[Callable[[Tables, IndicatorLimits], ir.Table], ...] = (
    presence.verified,
    presence.faces,
    presence.cards_per_face,
    presence.traffic,
    presence.devices_online,
    presence.ward_sign_in,
    billing.small_bills,
    billing.quick_refunds,
    billing.after_hours,
    billing.doctor_sign_in,
    billing.trace_codes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The tables to keep first, and the query that then gives the counts."""

    steps: tuple[Step, ...]
    sql: str


@lru_cache(maxsize=64)
def plan(tables: Tables, limits: IndicatorLimits, dialect: str) -> Plan:
    """How an engine of this dialect counts: one row for each institution and day (`dr` empty), and one for each of its doctors with
    settlements that day. What became of findings is a table of the name OUTCOMES_NAME.

    Each part is kept as a table of its own: as one query they make SQL that takes minutes to write and gigabytes to parse.
    """
    planner = Planner(dialect)
    parts = [_full(planner.keep(f"indicator_{part.__name__}", part(tables, limits))) for part in PARTS]
    outcomes = ibis.table(ibis.Schema.from_pyarrow(OUTCOMES), name=OUTCOMES_NAME)
    every = reduce(lambda left, right: left.union(right), [*parts, _full(outcomes.mutate(dr=ibis.literal("")))])
    kept = planner.keep("indicator_parts", _summed(every, *KEY))
    sites = _summed(kept, "fixmedins_code", "day").mutate(dr=ibis.literal(""))
    both = sites.select(*KEY, *COUNTS).union(kept.filter(kept.dr != "").select(*KEY, *COUNTS))
    return Plan(steps=tuple(planner.steps), sql=sql_of(both, dialect))


def _full(part: ir.Table) -> ir.Table:
    """A table of counts with every count, nothing where it has none."""
    given = {name: part[name].cast("int64") if name in part.columns else ibis.literal(0, "int64") for name in COUNTS}
    return part.select(*(part[name] for name in KEY), **given)


def _summed(rows: ir.Table, *key: str) -> ir.Table:
    return rows.group_by(*key).agg(**{name: rows[name].sum() for name in COUNTS})
