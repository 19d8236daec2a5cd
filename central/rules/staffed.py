"""Settlements at which the window saw a member of staff and nobody else."""

from typing import Any

import ibis.expr.types as ir

from central.rules.base import Tables
from central.rules.excuses import looked_at, without_proxy
from contract.events import Liveness, Outcome


def staff_alone(tables: Tables, min_frames_used: int) -> ir.Table:
    """Visits of insured persons who are not of the staff there, whose one face in view is a member of staff's, seen well enough.

    Excused are: who was recognised, who has a registered or stated proxy, and who is of the staff. Where the register does not say the
    psn_no of everybody on the staff, the insured person may be one of them, unless the window compared and did not recognise the face.
    """
    seen = looked_at(tables)
    alone = seen.filter(
        seen.staff_face.fill_null(False),
        seen.persons == 1,
        seen.outcome.isin([Outcome.UNDECIDED.value, Outcome.DIFFERENT.value]),
        seen.liveness != Liveness.ATTACK.value,
        seen.frames_used >= min_frames_used,
        seen.proxy_psn_no.isnull(),
    )
    return _of_others(without_proxy(alone, tables.proxies, at="setl_time"), tables.staff)


def _of_others(alone: ir.Table, staff: ir.Table) -> ir.Table:
    named = staff.select(site="fixmedins_code", own="psn_no", since="valid_from", until="valid_to")
    others = alone.anti_join(named, [alone.psn_no == named.own, *_works(alone, named)])
    unnamed = named.filter(named.own.isnull())
    uncompared = others.filter(others.similarity.isnull()).anti_join(unnamed, _works(others, unnamed))
    return others.filter(others.similarity.notnull()).union(uncompared)


def _works(rows: ir.Table, staff: ir.Table) -> list[Any]:
    return [rows.fixmedins_code == staff.site, rows.setl_time >= staff.since, rows.setl_time < staff.until]
