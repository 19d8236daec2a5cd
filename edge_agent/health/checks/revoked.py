"""This device is in service."""

from contract.state import Problem

CODE = "revoked"
WHY = "the centre ended the service of this device: it looks no more and delivers what it has; enrol it anew, with an empty data folder"


def check(revoked: bool) -> Problem | None:
    """A problem once the centre revoked the device."""
    return Problem(check=CODE, detail=WHY) if revoked else None
