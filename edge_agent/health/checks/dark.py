"""No view is too dark."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.camera.scene import Seen
from edge_agent.health.checks._windows import tell
from edge_agent.ports import Watched
from edge_agent.sections.view import ViewLimits


def holds(seen: Seen, limits: ViewLimits) -> bool:
    """Whether hardly anything in the view is brighter than black. Lamps off or an opaque cover: the picture cannot tell which."""
    return seen.look.dark < limits.dark_level


def check(windows: Mapping[str, Watched]) -> Problem | None:
    """A problem naming the windows where it has held for some time."""
    return tell("dark", "dark", "it is too dark to see anybody; switch the light on, or take off what covers the lens", windows)
