"""Look at one window all the time, a few frames a second, so that the answer is there when the till asks."""

from threading import Event, Thread
from typing import Protocol

import structlog

from edge_agent.camera.frames import Sight
from edge_agent.camera.lookout import Lookout
from edge_agent.clock import Clock
from edge_agent.health.metrics import Metrics
from edge_agent.window.eyes import Eyes, cut
from models.results import Picture

POLL_S = 0.02
FAILED_PAUSE_S = 1.0

log = structlog.get_logger(__name__)


class Sessions(Protocol):
    """Whoever what is seen is for."""

    def observe(self, window: str, sight: Sight, picture: Picture) -> None:
        """Take in an analysed frame with the picture of its zone."""
        ...

    def is_serving(self, window: str) -> bool:
        """Whether everything that is seen at this window counts now."""
        ...


class Watcher:
    """The thread of one window: takes the newest frame at most `fps` times a second, looks, and hands on what it saw."""

    def __init__(
        self,
        *,
        window: str,
        zone: tuple[float, float, float, float],
        lookout: Lookout,
        eyes: Eyes,
        sessions: Sessions,
        fps: float,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._window, self._zone, self._lookout, self._eyes, self._sessions = window, zone, lookout, eyes, sessions
        self._interval_s = 1 / fps
        self._clock, self._metrics = clock, metrics
        self._stop = Event()
        self._thread = Thread(target=self._run, name=f"watch-{window}", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End after the frame that is being looked at."""
        self._stop.set()
        self._thread.join()

    def look(self) -> bool:
        """Look at the newest frame if it is a new one; says whether it was."""
        frame = self._lookout.next()
        if frame is None:
            return False
        sight = self._eyes.look(frame.picture, frame.mono_s, serving=self._sessions.is_serving(self._window))
        self._sessions.observe(self._window, sight, cut(frame.picture, self._zone))
        self._metrics.analysed(self._window)
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            begun_s = self._clock.mono_s()
            try:
                looked = self._look_or_wait()
            except Exception:  # one bad frame must not end the watch; frames not looked at show as a hole, never as an empty window
                log.exception("look_failed", window=self._window)
                self._metrics.failed("look")
                looked = not self._stop.wait(FAILED_PAUSE_S)
            if looked:
                self._stop.wait(max(0.0, self._interval_s - (self._clock.mono_s() - begun_s)))

    def _look_or_wait(self) -> bool:
        return self.look() or self._stop.wait(POLL_S)
