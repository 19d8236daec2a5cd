"""What rules need of stays and face rounds: days and half-days in China, who was seen when, and what a finding about a stay says."""

from typing import Any

import ibis
import ibis.expr.types as ir

from central.inputs import FOREVER
from central.rules.base import DAY, HOUR, Tables, china_day
from central.rules.bills import NAMED, standing

HALF = DAY // 2
STAY = ("fixmedins_code", "mdtrt_id")
BED, TREATMENT = "bed", "treatment"
ABSENT, BLIND, DIFFERENT, SAME = "absent", "blind", "different", "same"


def half_day(moment: Any) -> Any:
    """The half-day in China of a moment (microseconds), counted since 1970: even ones are mornings."""
    return (moment + 8 * HOUR) // HALF


def half_start(half: Any) -> Any:
    """The moment (microseconds) at which such a half-day begins."""
    return half * HALF - 8 * HOUR


def day_start(day: Any) -> Any:
    """The moment (microseconds) at which a day in China begins."""
    return day * DAY - 8 * HOUR


def without_leave(rows: ir.Table, leaves: ir.Table) -> ir.Table:
    """The rows (a stay and a `day`) on which the patient was not away by leave, for an examination or transferred, even for an hour.

    A leave without beginning or end is open there.
    """
    spans = leaves.select(*STAY, away_from=leaves.leave_from.fill_null(0), away_to=leaves.leave_to.fill_null(FOREVER))
    same = [rows[name] == spans[name] for name in STAY]
    return rows.anti_join(spans, [*same, spans.away_from < day_start(rows.day + 1), spans.away_to > day_start(rows.day)])


def billed(tables: Tables, found: ir.Table) -> ir.Table:
    """Of each stay found: `total_fen` that fund and account paid for it, and the settlements to name. Stays not billed yet have no row."""
    bills = standing(tables.settlements).semi_join(found, STAY)
    place = ibis.row_number().over(group_by=[bills.fixmedins_code, bills.mdtrt_id], order_by=[bills.setl_time.desc(), bills.setl_id])
    bills = bills.mutate(named=place < NAMED)
    return bills.group_by(*STAY).agg(
        total_fen=(bills.net_fund + bills.net_acct).sum().cast("int64"), setl_ids=bills.setl_id.collect(where=bills.named)
    )


def days_of(stays: ir.Table) -> ir.Table:
    """Stays with the days in China of admission and discharge (`in_day`, `out_day`, null while it lasts)."""
    return stays.mutate(in_day=china_day(stays.admitted_at), out_day=china_day(stays.discharged_at))
