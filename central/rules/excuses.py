"""What excuses a person or a window before a rule looks: what could not be seen, who does not use the face, whose proxy may have come."""

from typing import Any

import ibis.expr.types as ir

from central.rules.base import Tables


def looked_at(tables: Tables) -> ir.Table:
    """The visits that a camera can speak of: it did not fail meanwhile, and the person uses the face.

    Blind, manual, proxy and distrusted ones are no visits at all. A fault that is not known excuses nobody: the window says each one.
    """
    visits = tables.visits
    return without_exempt(visits.filter(~visits.camera_fault.fill_null(False)), tables.exemptions, at="setl_time")


def without_exempt(rows: ir.Table, exemptions: ir.Table, *, at: str, psn_no: str = "psn_no") -> ir.Table:
    """The rows whose person was not exempt from the face at that moment; both are named by their columns."""
    exempt = exemptions.select(exempt_psn_no=exemptions.psn_no, exempt_from=exemptions.valid_from, exempt_to=exemptions.valid_to)
    return rows.anti_join(exempt, _valid(rows[psn_no] == exempt.exempt_psn_no, rows[at], exempt.exempt_from, exempt.exempt_to))


def without_proxy(rows: ir.Table, proxies: ir.Table, *, at: str) -> ir.Table:
    """The rows whose psn_no had no proxy registered at that moment."""
    return rows.anti_join(*_represented(rows, proxies, at))


def with_proxy(rows: ir.Table, proxies: ir.Table, *, at: str) -> ir.Table:
    """The rows whose psn_no had one."""
    return rows.semi_join(*_represented(rows, proxies, at))


def _represented(rows: ir.Table, proxies: ir.Table, at: str) -> tuple[ir.Table, list[Any]]:
    entries = proxies.select(proxy_of=proxies.psn_no, proxy_from=proxies.valid_from, proxy_to=proxies.valid_to)
    return entries, _valid(rows.psn_no == entries.proxy_of, rows[at], entries.proxy_from, entries.proxy_to)


def _valid(same: Any, moment: Any, since: Any, until: Any) -> list[Any]:
    return [same, moment >= since, moment < until]
