"""The centre's transparency log only ever grew, as far as this device was shown."""

from contract.state import Problem


def check(contradiction: str | None) -> Problem | None:
    """A problem from two checkpoints that contradict each other until the log has grown beyond both."""
    return None if contradiction is None else Problem(check="log", detail=contradiction[:200])
