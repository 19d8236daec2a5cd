"""The centre's receipts fit this device's chain."""

from contract.state import Problem


def check(refused: str | None) -> Problem | None:
    """A problem while the last receipt was refused."""
    return None if refused is None else Problem(check="receipts", detail=refused[:200])
