"""How a check tells which windows it is about."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.ports import Watched


def tell(check: str, code: str, what: str, windows: Mapping[str, Watched]) -> Problem | None:
    """A problem of this check naming the windows that have this fault, with what it means; None where none has it."""
    named = ", ".join(sorted(name for name, window in windows.items() if any(fault.code == code for fault in window.faults)))
    return Problem(check=check, detail=f"window {named}: {what}"[:200]) if named else None
