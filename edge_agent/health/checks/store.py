"""The stores on the disk are whole."""

from collections.abc import Sequence
from pathlib import Path

from contract.state import Problem


def check(set_aside: Sequence[Path]) -> Problem | None:
    """A problem naming damaged files that were moved away at start; it stays until the next start."""
    if not set_aside:
        return None
    names = ", ".join(path.name for path in set_aside)
    return Problem(check="store", detail=f"damaged at start and set aside: {names}; keep it for recovery"[:200])
