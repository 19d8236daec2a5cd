"""Every window's camera gives pictures."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.health.checks._windows import tell
from edge_agent.ports import Watched


def check(windows: Mapping[str, Watched]) -> Problem | None:
    """A problem naming the windows whose camera gives none: it is away, refuses, or has not been opened yet."""
    return tell("camera", "lost", "no picture comes; check its power, cable and address", windows)
