"""No view is overexposed."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.camera.scene import Seen
from edge_agent.health.checks._windows import tell
from edge_agent.ports import Watched
from edge_agent.sections.view import ViewLimits


def holds(seen: Seen, limits: ViewLimits) -> bool:
    """Whether half of the view is white."""
    return seen.look.bright >= limits.bright_level


def check(windows: Mapping[str, Watched]) -> Problem | None:
    """A problem naming the windows where it has held for some time."""
    return tell("overexposed", "overexposed", "most of the picture is white; turn the camera from the light or lower its exposure", windows)
