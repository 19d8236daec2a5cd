"""The table `[view]` of the settings file: when a camera's view tells nothing any more."""

from pydantic import Field

from edge_agent.sections.core import Seconds, Section


class ViewLimits(Section):
    """Limits of the camera watch. Measured on the window clips (640x480, grain added, light 0.1 to 1.6 of theirs) and on the same clips
    spoiled: blurred, shifted, mirrored, enlarged, darkened, covered. A camera of another kind may need its own.
    """

    blind_after_s: Seconds = 2.5
    """What holds for so long is raised: longer than a hand that passes the lens, short enough to be known within 5 s with all delays."""
    clear_after_s: Seconds = 1.0
    """What has not held for so long is withdrawn."""
    learn_s: Seconds = 20.0
    """Seconds of a view in order after which it counts as learnt; only then can it be told from a moved or defocused one."""
    loop_memory_s: Seconds = 300.0
    """Pictures of a live camera that come back bit by bit within so long are a recording. 8 bytes each are kept, no picture."""
    dark_level: float = Field(40.0, ge=1, le=128)
    """Too dark when 99 % of the view lies below this grey level (0 to 255): the clips gave 198 and more. A tenth of their light, at which a
    face is mostly grain, is too dark; three tenths are not.
    """
    bright_level: float = Field(250.0, ge=128, le=255)
    """Overexposed when half of the view lies at or above this grey level; the clips gave at most 158."""
    covered_share: float = Field(0.05, ge=0, lt=1)
    """Covered when edges are found in no more than this share of the view: clips gave 0.62 to 0.86, enlarged until one person fills them
    0.10 to 0.94, a cap or a palm 0.
    """
    focus_share: float = Field(0.3, gt=0, lt=1)
    """Fine contrast that the best tenth of the learnt sharp places must keep, at the light of the moment: clips gave 0.9 and more and 0.68
    under the flattest light tried, blurred by one pixel 0.4, by two 0.15 to 0.22. Nothing sharp in a view that is still there is a loss of
    focus; where the view is not there, a cover.
    """
    kept_share: float = Field(0.15, gt=0, lt=1)
    """Moved when no more than this share of the learnt edges are where they were and what is seen instead stands still: clips kept 0.7 and
    more while people moved in them, and 0.98 and more under other light; of another view at most 0.03 look the same.
    """
    steady_share: float = Field(0.8, gt=0, le=1)
    """Share of edges that must have stayed for 1.5 s to say that what is seen stands still: clips enlarged until one person fills them
    mostly gave below 0.5, of one still torso 0.8; an unchanged view gives 1.
    """
