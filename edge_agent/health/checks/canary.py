"""The made picture went through the whole line."""

from contract.state import Problem


def check(fault: str | None, late_s: float, every_s: float) -> Problem | None:
    """A problem with the step that failed, or when it has not run for three times as long as it should."""
    if fault is not None:
        return Problem(
            check="canary",
            detail=f"the test picture failed at {fault}; restart the agent; if it stays, run: python -m edge_agent check"[:200],
        )
    if late_s <= 3 * every_s:
        return None
    return Problem(check="canary", detail=f"the test picture has not run for {late_s / 3600:.1f} h: sessions are open all the time")
