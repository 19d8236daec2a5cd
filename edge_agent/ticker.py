"""The loop that closes sessions when their time is over, and does what else is due meanwhile."""

from collections.abc import Callable, Mapping
from threading import Event, Thread

import structlog

from edge_agent.agent import Agent
from edge_agent.health.metrics import Metrics
from edge_agent.health.soundness import Noticed

EVERY_S = 0.2
CHORES_EVERY = 5  # turns, which makes a second

log = structlog.get_logger(__name__)

Chores = Mapping[str, Callable[[], object]]


class Ticker:
    """Calls the agent's `tick`, and more rarely some chores by their names, from a thread of its own; one that fails stops no other."""

    def __init__(self, agent: Agent, metrics: Metrics, chores: Chores | None = None, noticed: Noticed = lambda _: None) -> None:
        """`noticed` is shown what failed."""
        self._agent, self._metrics, self._chores, self._noticed = agent, metrics, chores or {}, noticed
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
        turn = 0
        while not self._stop.wait(EVERY_S):
            self._do("tick", self._agent.tick)
            turn = (turn + 1) % CHORES_EVERY
            if turn == 0:
                for name, chore in self._chores.items():
                    self._do(name, chore)

    def _do(self, name: str, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # what failed stays open and is tried again
            log.exception(f"{name}_failed")
            self._metrics.failed(name)
            self._noticed(error)
