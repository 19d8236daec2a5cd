"""The evidence mode that was asked for is the one in force."""

from contract.events import EvidenceMode
from contract.state import Problem


def check(asked: EvidenceMode, in_force: EvidenceMode) -> Problem | None:
    """A problem when pictures were asked for without a legal basis."""
    if asked is in_force:
        return None
    detail = f"evidence_mode {asked} needs legal_basis; without it the agent runs {in_force}; set one, or evidence_mode to {in_force}"
    return Problem(check="evidence", detail=detail)
