"""The table of the settings file about film: what is kept of a window's picture, for how long, and what of it may be made out."""

from pydantic import Field

from edge_agent.sections.core import Section


class FilmSettings(Section):
    """Film is kept only where the evidence mode lets pictures leave the window: what could never be shown is not recorded either."""

    enabled: bool = True
    """Off where nothing but stills may be kept: flagged settlements then come without a clip, and no request for film can be met."""
    fps: float = Field(5.0, gt=0, le=15)
    """Pictures kept per second and window, of those that are analysed: enough to see what hands do, at 1.5 ms of one core each."""
    long_side: int = Field(640, ge=160, le=1280)
    """Pixels of the longer side. A face at a window is 60 to 100 pixels high in it, so people can compare it; more doubles every size."""
    jpeg_quality: int = Field(75, ge=30, le=95)
    """Of the pictures in memory and on the disk, 15 to 25 kB each; a clip is coded from them once."""
    clip_quality: int = Field(60, ge=20, le=95)
    """Of the pictures in a clip, about 9 kB each."""
    ring_s: float = Field(120.0, ge=30, le=600)
    """Seconds held in memory for each window: from before the card was read until the settlement is over and its film is on the disk."""
    ring_mb: int = Field(24, ge=4, le=512)
    """Memory that these may take for each window; beyond it the oldest pictures go. Two minutes take about 12 MB."""
    keep_h: float = Field(24.0, gt=0, le=24 * 90)
    """Hours for which film of settlements stays on the terminal, so that the centre may still ask for it; how long evidence is kept at the
    centre is decided there.
    """
    keep_mb: int = Field(2048, ge=16, le=1_000_000)
    """Disk that it may take; beyond it the oldest goes. A settlement of a minute takes 6 to 9 MB."""
    clip_mb: int = Field(16, ge=1, le=30)
    """A larger clip loses every second picture until it fits; three minutes take about 9 MB."""
    blur_bystanders: bool = True
    """Whether faces of others than the person whom the verdict is about are made unrecognisable before anything leaves the window: they
    gave no consent and have no part in the settlement. A face that the detector does not find stays as it is.
    """
