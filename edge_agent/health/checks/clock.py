"""This clock agrees with the centre's."""

from contract.state import Problem


def check(offset_ms: float | None, max_offset_s: float) -> Problem | None:
    """A problem when the clocks are further apart; none while the distance is not known."""
    if offset_ms is None or abs(offset_ms) <= max_offset_s * 1000:
        return None
    side = "ahead of" if offset_ms > 0 else "behind"
    return Problem(check="clock", detail=f"this clock is {abs(offset_ms) / 1000:.1f} s {side} the centre's; check its time service")
