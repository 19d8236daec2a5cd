"""What the centre ordered lies here undamaged and holds."""

from contract.state import Problem


def check(why: str | None) -> Problem | None:
    """A problem with the order that is not believed, or that does not fit this terminal's own file."""
    return None if why is None else Problem(check="orders", detail=why[:200])
