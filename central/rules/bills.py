"""What rules need of bills: which ones stand, which were paid at a counter, what is left of their lines, and how many a finding names."""

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir

from central.china import local_text
from central.db import from_micros
from central.linkage.model import SettlementCode
from central.rules.base import Hit, Tables

NAMED = 1000
"""Settlements that one finding names at most, the newest; the sums go over all of them. An evidence list that nobody can read is none."""

ONE = 1000
"""One unit in thousandths: what a line without quantity stands for."""

_BILL = ("fixmedins_code", "setl_id")
_CLERK = "1"


def standing(settlements: ir.Table) -> ir.Table:
    """Settlements that were not taken back: neither refunds, nor refunded in full, nor reversed at the till."""
    return settlements.filter(settlements.stands)


def at_counter(bills: ir.Table, places: ir.Table) -> ir.Table:
    """Those that a clerk settled: neither at a self-service terminal, nor by phone, where nobody stands at the counter."""
    return bills.filter(bills.opter_type.isnull() | (bills.opter_type == _CLERK)).anti_join(places, _BILL)


def emergency(rows: ir.Table) -> Any:
    """Whether it is an emergency (13 and what localities put under it)."""
    return rows.med_type.startswith("13").fill_null(False)


def fen(lines: ir.Table) -> Any:
    """The amount of a line: what lies within the policy's scope, or all of it where that was not said."""
    return ibis.coalesce(lines.inscp_amt, lines.det_item_fee_sumamt, 0)


def nobody() -> Any:
    """An empty list of names."""
    return ibis.null("array<string>")


def billed(tables: Tables, lines: ir.Table, *by: str, few: bool = False) -> ir.Table:
    """Lines (rows of `details`) of standing settlements and of refunds, with the columns `by` and psn_no, inpatient and setl_time of their
    settlement. `is_refund` parts both; `cnt` (thousandths), `fen` and `prd_days` (null: not said) are the line's own. `few`: these are
    lines of hardly any settlement, so the others are left out first.
    """
    measured = lines.select(*_BILL, *by, "prd_days", cnt=lines.cnt.fill_null(ONE), fen=fen(lines))
    bills = tables.settlements.filter(tables.settlements.stands | tables.settlements.is_refund)
    bills = bills.semi_join(measured, _BILL) if few else bills
    return measured.join(bills.select(*_BILL, "psn_no", "inpatient", "setl_time", "is_refund", "code", "init_setl_id"), _BILL)


def left_of(standing_lines: ir.Table, refunds: ir.Table, *by: str) -> ir.Table:
    """What refunds leave of lines, both as `billed` gives them, summed over each settlement and the columns `by`.

    Gives fixmedins_code, setl_id, psn_no, setl_time, the columns `by`, `cnt` (thousandths), `fen`, and `days` (the longest
    prd_days, null: not said). What a refund names is deducted from its own settlement; what a refund without known original takes back
    could be any of the person's there, so it excuses all of them.
    """
    rows = standing_lines
    keys = (*_BILL, "psn_no", "setl_time", *by)
    sums = rows.group_by(*keys).agg(cnt=rows.cnt.sum(), fen=rows.fen.sum(), days=rows.prd_days.max())
    alone = refunds.filter(refunds.code == SettlementCode.REFUND_ALONE.value).select("fixmedins_code", "psn_no", *by)
    excused = sums.anti_join(alone, ["fixmedins_code", "psn_no", *by])
    returned = refunds.group_by("fixmedins_code", *by, setl_id="init_setl_id")
    returned = returned.agg(back_cnt=refunds.cnt.abs().sum(), back_fen=refunds.fen.abs().sum())
    both = excused.left_join(returned, [*_BILL, *by])
    left = {"cnt": both.cnt - both.back_cnt.fill_null(0), "fen": both.fen - both.back_fen.fill_null(0)}
    plainly = [both[name] for name in excused.columns if name not in left]
    return both.select(*plainly, **{name: value.cast("int64") for name, value in left.items()}).filter(lambda t: t.cnt > 0)


def sold(tables: Tables, lines: ir.Table, *by: str) -> ir.Table:
    """What is left of lines (rows of `details`) of standing settlements, as `left_of` gives it; the lines are those of few settlements."""
    rows = billed(tables, lines, *by, few=True)
    return left_of(rows.filter(~rows.is_refund), rows.filter(rows.is_refund), *by)


def gathered(rows: ir.Table, *by: str, **more: Callable[[ir.Table], Any]) -> ir.Table:
    """One row for each `by` of settlements with setl_id, psn_no, setl_time, capture_id (or null) and `fen`: what a finding says of them.

    Names the newest NAMED of them, and counts and sums them all; `more` are further aggregates of the rows.
    """
    place = ibis.row_number().over(group_by=[rows[name] for name in by], order_by=[rows.setl_time.desc(), rows.setl_id])
    listed = rows.mutate(named=place < NAMED)
    return listed.group_by(*by).agg(
        occurred_at=listed.setl_time.max(),
        first_at=listed.setl_time.min(),
        amount_fen=listed.fen.sum(),
        bills=listed.count(),
        persons=listed.psn_no.nunique(),
        setl_ids=listed.setl_id.collect(where=listed.named, distinct=True),
        psn_nos=listed.psn_no.collect(where=listed.named, distinct=True),
        capture_ids=listed.capture_id.collect(where=listed.named & listed.capture_id.notnull(), distinct=True),
        **{name: make(listed) for name, make in more.items()},
    )


def span_zh(hit: Hit) -> str:
    """From when to when the named settlements were, in China."""
    return f"{local_text(from_micros(hit.seen['first_at']))}至{hit.local_time}"


def span_en(hit: Hit) -> str:
    """The same in English."""
    return f"{local_text(from_micros(hit.seen['first_at']))} to {hit.local_time} (China)"


def yuan(amount: int) -> str:
    """An amount in fen for people to read."""
    return f"{amount / 100:.2f}"
