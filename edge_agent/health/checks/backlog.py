"""What was written also arrives."""

from contract.state import Problem
from edge_agent.chain.outbox import Backlog


def check(backlog: Backlog, max_events: int) -> Problem | None:
    """A problem when more events wait for a receipt."""
    if backlog.events <= max_events:
        return None
    detail = (
        f"{backlog.events} events wait for a receipt since number {backlog.receipted + 1}; look at the line, then at the centre's ingest"
    )
    return Problem(check="backlog", detail=detail)
