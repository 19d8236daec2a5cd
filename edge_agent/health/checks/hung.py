"""No camera's stream is stuck."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.health.checks._windows import tell
from edge_agent.ports import Watched


def check(windows: Mapping[str, Watched]) -> Problem | None:
    """A problem naming the windows whose stream is open and silent. It is opened anew beside; no settlement waits for it."""
    return tell("hung", "hung", "the stream is open and silent; if it does not come back by itself, switch the camera off and on", windows)
