"""The running program: its parts from start to stop, in the order that loses nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from edge_agent.agent import Agent
from edge_agent.camera import WatchedCamera
from edge_agent.link import Link
from edge_agent.ports import Running
from edge_agent.server import LocalServer
from edge_agent.ticker import Ticker
from edge_agent.vault import Vault
from edge_agent.watch import Watcher

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

    def start(self) -> None:
        """Close what a crash left open, then watch, answer and send."""
        recovered = self.agent.recover()
        parts: list[Running] = [*self.cameras.values(), *self.watchers, self.ticker, self.link, self.server]
        for part in parts:
            part.start()
        log.info("agent_started", recovered=recovered, till_port=self.server.port)

    def stop(self) -> None:
        """Take no more requests, close open sessions, say farewell; everything is durable when this returns."""
        inward: list[Running] = [self.server, self.ticker, *self.watchers]
        for part in inward:
            part.stop()
        self.agent.stop()
        outward: list[Running] = [self.link, *self.cameras.values()]
        for part in outward:
            part.stop()
        for vault in self.vaults:
            vault.close()
        log.info("agent_stopped")
