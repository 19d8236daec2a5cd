"""No camera was moved."""

from collections.abc import Mapping

from contract.state import Problem
from edge_agent.camera.scene import Seen
from edge_agent.health.checks._windows import tell
from edge_agent.ports import Watched
from edge_agent.sections.view import ViewLimits

LEAST_COMPARABLE = 0.3
DISPLACED = 0.025  # of the width; nearer to its place a view still shows what it should
FAR = 0.1  # of the width; a view so far from its place keeps hardly an edge: shifted, turned and enlarged clips kept at most 0.1 of them
NOT_KEPT = 0.8  # above this share of kept edges nothing was moved


def may_hold(seen_kept: float) -> bool:
    """Whether it is worth while to search for displaced points."""
    return seen_kept < NOT_KEPT


def holds(seen: Seen, limits: ViewLimits) -> bool:
    """Whether the points of the learnt view are displaced, or it is gone altogether and what is there instead stands still.

    Points that are far away while edges are where they were belong to somebody who was learnt and leans to the camera (0.36 and more kept).
    Of the window clips, people in all of them, shifts from 3 % of the width on, turns from 3 degrees and enlargements of 1.1 to 1.7 were
    found. Places without edges, as a dark corner, say nothing; with fewer than LEAST_COMPARABLE of the learnt ones left it is silent.
    """
    match = seen.match
    if match is None or match.comparable < LEAST_COMPARABLE:
        return False
    gone = match.kept <= limits.kept_share
    return (seen.displaced >= DISPLACED and (gone or seen.displaced < FAR)) or (gone and seen.steady >= limits.steady_share)


def check(windows: Mapping[str, Watched]) -> Problem | None:
    """A problem naming the windows where it has held for some time."""
    return tell(
        "moved",
        "moved",
        "the camera looks elsewhere than when it was learnt; turn it back, or restart the agent if it shall look there",
        windows,
    )
