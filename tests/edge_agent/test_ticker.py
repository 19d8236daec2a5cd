"""The loop that closes sessions goes on after a failure."""

import time

from edge_agent.agent import Agent
from edge_agent.health.metrics import Metrics
from edge_agent.judging.judge import Judgement
from edge_agent.ticker import Ticker


class TornAgent(Agent):
    """Counts ticks; the first one fails."""

    def __init__(self) -> None:
        self.ticks = 0

    def tick(self) -> list[Judgement | None]:
        self.ticks += 1
        if self.ticks == 1:
            raise RuntimeError("once")
        return []


def test_a_failed_tick_is_recorded_and_followed_by_others() -> None:
    agent, metrics = TornAgent(), Metrics()
    noticed = list[BaseException]()
    ticker = Ticker(agent, metrics, noticed=noticed.append)
    ticker.start()
    until = time.monotonic() + 5
    while agent.ticks < 3 and time.monotonic() < until:
        time.sleep(0.01)
    ticker.stop()
    assert agent.ticks >= 3
    assert b'edge_failures_total{step="tick"} 1.0' in metrics.text()
    assert [str(error) for error in noticed] == ["once"]
    ended_with = agent.ticks
    time.sleep(0.3)
    assert agent.ticks == ended_with
