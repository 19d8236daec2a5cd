"""Every window's camera streams."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.ports import Camera


def check(cameras: Mapping[str, Camera]) -> Problem | None:
    """A problem naming the windows without a picture; one that stands still is for `frozen`."""
    silent = sorted(window for window, camera in cameras.items() if camera.status != "streaming" and not camera.frozen)
    return Problem(check="camera", detail=f"no picture at window {', '.join(silent)}"[:200]) if silent else None
