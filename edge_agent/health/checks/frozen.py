"""No window's camera repeats one picture."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.health.checks._windows import tell
from edge_agent.ports import Watched


def check(windows: Mapping[str, Watched]) -> Problem | None:
    """A problem naming the windows whose picture stands still bit by bit: a cable, box or program repeats the last one."""
    return tell(
        "frozen", "frozen", "one picture is repeated bit by bit; switch off and on what stands between camera and terminal", windows
    )
