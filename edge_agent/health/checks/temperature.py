"""The processor is not too hot to keep up."""

from contract.state import Problem


def check(hottest_c: float | None, max_c: float) -> Problem | None:
    """A problem above `max_c`; none where the machine does not tell its temperature."""
    if hottest_c is None or hottest_c <= max_c:
        return None
    detail = f"the processor has {hottest_c:.0f} degrees, {max_c:.0f} are allowed; clean its fan and vents, or move it to a cooler place"
    return Problem(check="temperature", detail=detail)
