"""The loop that closes sessions when their time is over."""

from threading import Event, Thread

import structlog

from edge_agent.agent import Agent
from edge_agent.metrics import Metrics

EVERY_S = 0.2

log = structlog.get_logger(__name__)


class Ticker:
    """Calls the agent's `tick` from a thread of its own."""

    def __init__(self, agent: Agent, metrics: Metrics) -> None:
        self._agent, self._metrics = agent, metrics
        self._stop = Event()
        self._thread = Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the session that is being closed."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                self._agent.tick()
            except Exception:  # the agent's loop: what failed stays open and is tried again
                log.exception("tick_failed")
                self._metrics.failed("tick")
