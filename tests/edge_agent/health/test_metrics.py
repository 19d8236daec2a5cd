"""Counters as Prometheus reads them; two agents in one process do not mix."""

from edge_agent.health.metrics import Metrics


def test_every_counter_is_told() -> None:
    metrics, other = Metrics(), Metrics()
    metrics.captured("same")
    metrics.answered("pass")
    metrics.failed("judge")
    metrics.refused("untrusted")
    metrics.analysed("W1")
    metrics.connected()
    metrics.waiting(7)
    text = metrics.text().decode()
    for line in (
        'edge_captures_total{outcome="same"} 1.0',
        'edge_answers_total{answer="pass"} 1.0',
        'edge_failures_total{step="judge"} 1.0',
        'edge_refused_messages_total{why="untrusted"} 1.0',
        'edge_frames_total{window="W1"} 1.0',
        "edge_connections_total 1.0",
        "edge_backlog_events 7.0",
    ):
        assert line in text
    assert b'outcome="same"' not in other.text()
