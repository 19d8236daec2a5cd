"""When a rule finds so much that it is more likely broken than right. Pure."""

from enum import StrEnum

from pydantic import Field

from central.rules.base import Limits


class FloodLimits(Limits):
    """From where on a rule's findings are held until people have looked at the rule."""

    least: int = Field(
        default=50,
        ge=1,
        le=1_000_000,
        description="Findings within window_hours from which one may speak of a flood; fewer people can read.",
    )
    times_usual: float = Field(
        default=10.0,
        gt=1,
        le=10_000,
        description="So many times what the rule usually finds among as many settlements; a wave of fraud is some times more.",
    )
    share_percent: float = Field(
        default=20.0,
        gt=0,
        le=100,
        description="Share of all settlements above which nobody is suspected any more: the rule, a register or a camera is wrong.",
    )
    window_hours: int = Field(
        default=24, ge=1, le=744, description="Hours whose new findings are counted together: a flood comes in drops too."
    )


class Flood(StrEnum):
    """Why it is one."""

    USUAL = "usual"
    SHARE = "share"


def flooding(*, new: int, standing: int, settlements: int, usual: float | None, limits: FloodLimits) -> Flood | None:
    """Whether `new` findings within the window are a flood, and why.

    `standing`: everything that the rule suspects now; `settlements`: all that were compared; `usual`: what the rule would usually have
    found among the settlements of the window (None: it has no past).
    """
    if new < limits.least:
        return None
    if standing * 100 > limits.share_percent * settlements:
        return Flood.SHARE
    if usual is not None and new > limits.times_usual * max(usual, 1.0):
        return Flood.USUAL
    return None
