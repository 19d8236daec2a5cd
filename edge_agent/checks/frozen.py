"""No window's camera repeats one picture."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.ports import Camera


def check(cameras: Mapping[str, Camera]) -> Problem | None:
    """A problem naming the windows whose picture stands still bit by bit: a cable, box or program repeats what was seen once."""
    still = sorted(window for window, camera in cameras.items() if camera.frozen)
    return Problem(check="frozen", detail=f"the picture stands still at window {', '.join(still)}"[:200]) if still else None
