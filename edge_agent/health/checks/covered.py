"""No lens is covered."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.camera.scene import Seen
from edge_agent.health.checks._windows import tell
from edge_agent.ports import Watched
from edge_agent.sections.view import ViewLimits


def holds(seen: Seen, limits: ViewLimits) -> bool:
    """Whether the view is bright enough and yet without edges; or the learnt edges are gone, nothing is sharp, and nothing stirs.

    Whoever stands so close that the lens shows nothing sharp stirs; cloth, paper or tape before the lens does not.
    """
    if seen.look.dark < limits.dark_level or seen.look.bright >= limits.bright_level:
        return False
    if seen.look.structured.mean() <= limits.covered_share:
        return True
    match = seen.match
    if match is None or match.focus is None or match.kept > limits.kept_share:
        return False
    return match.focus < limits.focus_share and seen.steady >= limits.steady_share


def check(windows: Mapping[str, Watched]) -> Problem | None:
    """A problem naming the windows where it has held for some time."""
    return tell("covered", "covered", "something covers the lens; take it away", windows)
