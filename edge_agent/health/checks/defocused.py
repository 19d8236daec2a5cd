"""No camera is out of focus."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.camera.scene import Seen
from edge_agent.health.checks._windows import tell
from edge_agent.ports import Watched
from edge_agent.sections.view import ViewLimits


def holds(seen: Seen, limits: ViewLimits) -> bool:
    """Whether nothing of the view is sharp any more although it is still there. Unknown until it is learnt, and in poor light."""
    match = seen.match
    return match is not None and match.clarity is not None and match.clarity < limits.focus_share and match.kept > limits.kept_share


def check(windows: Mapping[str, Watched]) -> Problem | None:
    """A problem naming the windows where it has held for some time."""
    return tell("defocused", "defocused", "nothing in the picture is sharp; clean the lens and set its focus", windows)
