"""Every part of the program moves on."""

from collections.abc import Sequence

from contract.state import Problem


def check(still: Sequence[str], still_s: float) -> Problem | None:
    """A problem naming the threads that stand still; the service manager restarts a program that does not mend this itself."""
    if not still:
        return None
    return Problem(check="threads", detail=f"no progress for {still_s:.0f} s in: {', '.join(still)}; restart the agent"[:200])
