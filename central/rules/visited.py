"""One finding for each visit: what it names of the visit, and what repetition at the institution makes of its degree."""

from typing import Any

import ibis
import ibis.expr.types as ir

from central.engines.identifiers import word
from central.rules.base import DAY, Severity


def each_visit(visits: ir.Table, *seen: str, sev_deg: Any) -> ir.Table:
    """The columns of `Hit`, one row for each of these visits, with the columns `seen` besides; the amount is what fund and account paid."""
    return visits.select(
        subject_key=word(visits.fixmedins_code) + "/" + word(visits.setl_id),
        fixmedins_code=visits.fixmedins_code,
        psn_no=visits.psn_no,
        occurred_at=visits.setl_time,
        sev_deg=sev_deg,
        amount_fen=visits.net_fund + visits.net_acct,
        capture_ids=ibis.array([visits.capture_id]),
        setl_ids=ibis.array([visits.setl_id]),
        psn_nos=ibis.array([visits.psn_no]),
        **{name: visits[name] for name in seen},
    )


def each_repeated(visits: ir.Table, *seen: str, days: int, count: int) -> ir.Table:
    """The same with `repeated`: how many of these the institution had within so many days before and after; high from `count` on."""
    around = ibis.range_window(group_by=visits.fixmedins_code, order_by=visits.setl_time, preceding=days * DAY, following=days * DAY)
    told = visits.mutate(repeated=visits.capture_id.count().over(around))
    degree = (told.repeated >= count).ifelse(Severity.HIGH.value, Severity.MED.value)
    return each_visit(told, *seen, "repeated", sev_deg=degree)
