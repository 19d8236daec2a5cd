"""How far each institution has been told of: from when terminals watched it, and up to when both sides have come."""

import ibis
import ibis.expr.types as ir

from central.engines.base import Planner
from central.inputs import CLAIMS
from contract.coverage import CameraRole


def told(settlements: ir.Table, captures: ir.Table, planner: Planner) -> ir.Table:
    """One row for each institution: `watched_from` (null: no terminal ever watched), `seen_until`, the moment up to which every terminal
    has told everything, and `billed_until`, the newest claim.

    A terminal of which `reports` say nothing is known by what it told. One that has never told anything has told until it was enrolled.
    """
    given, derived = planner.named("reports"), _derived(settlements, captures, planner.named("coverage"))
    heard = given.left_join(derived.rename(heard="until").drop("since"), ["fixmedins_code", "source"])
    heard = heard.select("fixmedins_code", "source", "since", until=heard.until.coalesce(heard.heard))
    every = heard.union(derived.anti_join(given, ["fixmedins_code", "source"]))
    terminals = every.filter(every.source != CLAIMS)
    watched = terminals.group_by("fixmedins_code").agg(
        first=terminals.since.min(), seen_until=terminals.until.coalesce(terminals.since).min()
    )
    billed = every.filter(every.source == CLAIMS).group_by("fixmedins_code").agg(billed_until=lambda t: t.until.max())
    sites = planner.named("sites").select("fixmedins_code", registered="watched_from")
    known = every.select("fixmedins_code").union(sites.select("fixmedins_code"), distinct=True)
    both = known
    for side in (watched, billed, sites):
        both = both.left_join(side, "fixmedins_code").drop("fixmedins_code_right")
    return both.select(
        "fixmedins_code",
        "seen_until",
        "billed_until",
        watched_from=ibis.least(both.first.coalesce(both.registered), both.registered.coalesce(both.first)),
    )


def not_told(moment: ir.IntegerValue, until: ir.IntegerValue, patience_us: int) -> ir.BooleanValue:
    """Whether nobody can know yet what was at a moment. Whoever has been silent for longer than our patience is not waited for; who has
    never told anything is.
    """
    return until.isnull() | ((moment > until) & (moment <= until + patience_us))


def _derived(settlements: ir.Table, captures: ir.Table, coverage: ir.Table) -> ir.Table:
    windows = CameraRole.WINDOW.value  # what older devices watched, which named no roles; an entrance shows no settlement
    coverage = coverage.filter(coverage.role.fill_null(windows) == windows)
    words = [
        captures.group_by("fixmedins_code", "device_id").agg(since=captures.opened_at.min(), until=captures.closed_at.max()),
        coverage.group_by("fixmedins_code", "device_id").agg(since=coverage.since.min(), until=coverage.until.max()),
    ]
    of_devices = ibis.union(*(each.select("fixmedins_code", "since", "until", source="device_id") for each in words))
    of_devices = of_devices.group_by("fixmedins_code", "source").agg(since=of_devices.since.min(), until=of_devices.until.max())
    of_claims = settlements.group_by("fixmedins_code").agg(since=settlements.setl_time.min(), until=settlements.setl_time.max())
    return of_devices.union(of_claims.select("fixmedins_code", "since", "until", source=ibis.literal(CLAIMS)).select(*of_devices.columns))
