"""Tables of the settings file about the machine that the agent runs on, and about attempts that fail again and again."""

from pydantic import Field

from edge_agent.sections.core import Seconds, Section


class Machine(Section):
    """What this machine should be like, and what is kept ready for bad days."""

    reserve_mb: int = Field(16, ge=1, le=1000)
    """A file of this size is given up when the disk is full, so that verdicts go on while pictures do not. One settlement without pictures
    takes about 10 kB, so this is room for a thousand and more; it is taken back as soon as twice as much is free.
    """
    max_temperature_c: float = Field(85.0, gt=0, le=150)
    """A hotter processor is reported: small terminals slow down from 80 to 95 degrees, and frames are missed then."""
    max_memory_mb: int = Field(1000, ge=100)
    """More resident memory of the agent is reported: two windows took less than 600, so more is a leak or a wrong setting."""
    min_free_memory_mb: int = Field(200, ge=1)
    """Less available memory is reported: the system would soon end a program, perhaps this one."""
    certificate_days: int = Field(30, ge=1, le=400)
    """A certificate that ends within so many days is reported: time to enrol anew without haste."""
    rekey_days: int = Field(45, ge=0, le=400)
    """So many days before its certificate ends the device makes new keys by itself and offers them to the centre: early enough that
    `certificate_days` is never reached where the line holds; 0 leaves it to the centre's orders.
    """
    still_s: float = Field(60.0, ge=5, le=3600)
    """A thread that made no progress for so long is reported, and the service manager is no longer told that all is well. The longest
    honest pause is a connection that is tried in vain, about 20 s.
    """
    canary_every_s: float = Field(3600.0, ge=10, le=86_400)
    """A made picture runs through the whole line so often, at a moment without settlements."""
    probation_s: float = Field(120.0, ge=5, le=3600)
    """New settings of the centre must prove themselves for so long, else the old ones come back. It leaves time for the cameras to open,
    the line to be made, and `still_s` to pass twice by default. Cannot be set by the centre: what is tried must not set how it is tried.
    """
    idle_wait_s: float = Field(300.0, ge=0, le=3600)
    """To try them the program starts anew, which takes a few seconds; for so long it waits for a moment without settlements at any window.
    Then open ones are closed as at every stop, and nothing of them is lost.
    """


class Cooldown(Section):
    """When a comparison is no longer offered, so that nobody learns from many answers what face would pass."""

    failures: int = Field(5, ge=2, le=1000)
    """So many comparisons that did not pass, for one insured person or at one window, start a pause."""
    within_s: Seconds = 600.0
    """And within so long. Honest people fail to pass seldom, and hardly ever five of them at one window in ten minutes."""
    failures_a_day: int = Field(20, ge=2, le=10_000)
    """So many for one insured person within a day make every further one start the longest pause: patience must not pay either."""
    pause_s: Seconds = 600.0
    """For so long the till is told to check by hand, without a comparison; settlements go on. Each further pause for one person is twice as
    long as the one before, until a comparison passes: in ten hours five failures at a time become about thirty, too few to learn from.
    """
    pause_max_s: Seconds = 14_400.0
    """But no pause is longer: an honest person with a poor template comes again the next day."""
