"""A network on trial has shown whether it may take over."""

from contract.state import Problem
from edge_agent.judging.trial import Agreement


def check(name: str, found: Agreement) -> Problem | None:
    """A problem when somebody should act: the two networks contradict each other, or the next one may take over."""
    if found.contradicts:
        detail = f"{name} contradicts the network in force: accused {found.accused}, passed {found.passed} of {found.recognised} recognised"
    elif found.agrees:
        detail = f"{name} may take over: of {found.recognised} recognised it lost {found.lost}; set networks.embedder to it"
    else:
        return None
    return Problem(check="trial", detail=detail[:200])
