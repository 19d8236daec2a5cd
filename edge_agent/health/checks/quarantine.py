"""Every event can be sent."""

from collections.abc import Sequence

from contract.state import Problem
from edge_agent.disk.apart import Quarantined


def check(held: Sequence[Quarantined]) -> Problem | None:
    """A problem naming the first event in quarantine and how to go on; the others are sent all the same."""
    if not held:
        return None
    first = held[0]
    detail = (
        f"{len(held)} events cannot be sent, first number {first.seq} of epoch {first.epoch} ({first.why}); "
        "see: python -m edge_agent quarantine list"
    )
    return Problem(check="quarantine", detail=detail[:200])
