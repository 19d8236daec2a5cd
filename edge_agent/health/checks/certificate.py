"""The certificate under which the broker knows this device goes on for a while."""

from datetime import datetime, timedelta

from contract.state import Problem


def check(ends: datetime, now: datetime, days: int) -> Problem | None:
    """A problem from `days` before its end on."""
    left = ends - now
    if left > timedelta(days=days):
        return None
    if left > timedelta():
        said = f"ends on {ends:%Y-%m-%d}, in {left.days} days; where the centre is heard it is renewed by itself: look at the line"
    else:
        said = f"ended on {ends:%Y-%m-%d}; bring another: `central device certificate` there, `edge_agent certificate` here"
    return Problem(check="certificate", detail=f"the TLS certificate {said}")
