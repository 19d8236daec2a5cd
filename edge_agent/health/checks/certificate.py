"""The certificate under which the broker knows this device goes on for a while."""

from datetime import datetime, timedelta

from contract.state import Problem


def check(ends: datetime, now: datetime, days: int) -> Problem | None:
    """A problem from `days` before its end on."""
    left = ends - now
    if left > timedelta(days=days):
        return None
    when = f"ends on {ends:%Y-%m-%d}, in {left.days} days" if left > timedelta() else f"ended on {ends:%Y-%m-%d}"
    way_out = "where the centre is heard it is renewed by itself: look at the line, or enrol this terminal again"
    return Problem(check="certificate", detail=f"the TLS certificate {when}; {way_out}")
