"""The running program: its parts from start to stop, in the order that loses nothing."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Thread

import structlog

from edge_agent.agent import Agent
from edge_agent.camera.camera import WatchedCamera
from edge_agent.disk.vault import Vault
from edge_agent.health.pulse import Pulses
from edge_agent.link.link import Link
from edge_agent.ports import Running
from edge_agent.ticker import Ticker
from edge_agent.till.server import LocalServer
from edge_agent.window.watch import Watcher

STOP_S = 3.2  # leaves a second of five to the interpreter, also on a slow terminal
CLOSING_S = 1.8  # of it, at least, to judge and write what is open
FAREWELL_S = 0.6  # and for broker and cameras, on which nothing depends any more

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Everything that runs. `start` once, `stop` once."""

    agent: Agent
    cameras: Mapping[str, WatchedCamera]
    watchers: tuple[Watcher, ...]
    ticker: Ticker
    link: Link
    server: LocalServer
    vaults: tuple[Vault, ...]
    pulses: Pulses
    others: tuple[Running, ...] = ()
    turn: Callable[[], bool] = lambda: False
    """To be called about once a second while it runs; says whether it should be stopped and started anew, as the centre ordered."""

    def start(self) -> None:
        """Close what a crash left open, then watch, answer and send."""
        recovered = self.agent.recover()
        parts: list[Running] = [*self.cameras.values(), *self.watchers, *self.others, self.ticker, self.link, self.server]
        for part in parts:
            part.start()
        log.info("agent_started", recovered=recovered, till_port=self.server.port)

    def stop(self) -> None:
        """Take no more requests, close open sessions, say farewell; within STOP_S whatever hangs, and everything is durable then.

        A session that could not be closed in time is closed at the next start, as after a crash.
        """
        until_s = time.monotonic() + STOP_S
        _run_until(until_s - CLOSING_S - FAREWELL_S, [self.server.stop, self.ticker.stop, *(watcher.stop for watcher in self.watchers)])
        _run_until(until_s - FAREWELL_S, [self.agent.stop])
        _run_until(until_s, [*(other.stop for other in self.others), self.link.stop, *(camera.stop for camera in self.cameras.values())])
        for vault in self.vaults:
            vault.close()
        log.info("agent_stopped")


def _run_until(until_s: float, steps: Sequence[Callable[[], None]]) -> None:
    """Run all at the same time and wait for them until that moment; one that hangs is left behind and dies with the process."""
    threads = [Thread(target=step, name=f"stop-{number}", daemon=True) for number, step in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until_s - time.monotonic()))
    if hanging := sum(thread.is_alive() for thread in threads):
        log.warning("stopped_without", parts=hanging)
