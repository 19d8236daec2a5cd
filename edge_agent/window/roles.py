"""What each camera is for: only what the cameras of settlements see reaches the sessions, where faces are compared."""

from collections.abc import Iterable

from edge_agent.camera.frames import Sight
from edge_agent.sections.core import Window
from edge_agent.window.watch import Sessions
from models.results import Picture


class Settling:
    """Sessions that never hear of cameras before which nobody settles, such as one at an entrance: there is nobody to compare there."""

    def __init__(self, sessions: Sessions, windows: Iterable[Window]) -> None:
        self._sessions = sessions
        self._settling = frozenset(window.window for window in windows if window.settles)

    def observe(self, window: str, sight: Sight, picture: Picture) -> None:
        """Hand on what was seen where somebody may settle."""
        if window in self._settling:
            self._sessions.observe(window, sight, picture)

    def is_serving(self, window: str) -> bool:
        """Whether a session takes in what is seen there; never where none can be opened."""
        return window in self._settling and self._sessions.is_serving(window)
