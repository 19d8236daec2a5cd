"""There is memory left, and this program does not take more and more of it."""

from contract.state import Problem


def check(resident_mb: float, available_mb: float | None, *, max_mb: int, min_available_mb: int) -> Problem | None:
    """A problem when the agent is larger than `max_mb`, or less than `min_available_mb` are left for all programs."""
    if resident_mb > max_mb:
        detail = f"the agent takes {resident_mb:.0f} MB, {max_mb} are allowed; restart it, and report this with a support bundle"
    elif available_mb is not None and available_mb < min_available_mb:
        detail = f"{available_mb:.0f} MB of memory are left, {min_available_mb} are needed; close other programs on this terminal"
    else:
        return None
    return Problem(check="memory", detail=detail)
