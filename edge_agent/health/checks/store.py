"""The stores on the disk are whole."""

from collections.abc import Sequence
from pathlib import Path

from contract.state import Problem


def check(set_aside: Sequence[Path], damaged: Sequence[Path] = ()) -> Problem | None:
    """A problem naming stores that are `damaged` now, else damaged files that were moved away at start, which stays until the next start;
    with what to do.
    """
    if damaged:
        return Problem(
            check="store", detail=f"{_names(damaged)} went bad: restart the agent if it does not do so by itself; test this disk"[:200]
        )
    if set_aside:
        what = "what could be read was taken over; test this disk, keep the files for support"
        return Problem(check="store", detail=f"damaged at start: {what}: {_names(set_aside)}"[:200])
    return None


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths)
