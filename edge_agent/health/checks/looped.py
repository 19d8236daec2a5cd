"""No window's camera shows a recording."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.health.checks._windows import tell
from edge_agent.ports import Watched


def check(windows: Mapping[str, Watched]) -> Problem | None:
    """A problem naming the windows whose pictures of the last minutes come back bit by bit, instead of the sensor's."""
    return tell("looped", "looped", "its pictures are a recording that repeats; find out what feeds this address", windows)
