"""The disk's reserve is there, so that pictures are kept."""

from contract.state import Problem


def check(given_up: bool, reserve_mb: int, waiting: int) -> Problem | None:
    """A problem while the reserve is given up; `waiting` requests are held in memory because even events find no room."""
    if not given_up and not waiting:
        return None
    lost = f"{waiting} requests wait in memory and are lost if the agent stops; " if waiting else "captures go without pictures; "
    return Problem(check="reserve", detail=f"the disk is full: {lost}free at least {2 * reserve_mb} MB where data_dir lies")
