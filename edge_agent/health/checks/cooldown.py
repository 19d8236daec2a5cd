"""Nobody tries again and again."""

from collections.abc import Sequence

from contract.state import Problem


def check(windows: Sequence[str], persons: int) -> Problem | None:
    """A problem while comparisons pause after repeated failures, at windows or for insured persons, who are counted and not named."""
    if not windows and not persons:
        return None
    where = f"at window {', '.join(windows)}" if windows else f"for {persons} insured persons"
    return Problem(
        check="cooldown", detail=f"comparisons pause {where} after repeated failures; look who stood there, or at the camera"[:200]
    )
