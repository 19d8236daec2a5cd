"""Counters for operators, on /metrics. No label ever holds a person."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """The counters of one agent, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._captures = Counter("edge_captures", "Sessions closed, by outcome", ["outcome"], registry=self._registry)
        self._answers = Counter("edge_answers", "Answers to the till", ["answer"], registry=self._registry)
        self._failures = Counter("edge_failures", "Steps that failed and were recorded", ["step"], registry=self._registry)
        self._refused = Counter("edge_refused_messages", "Messages from the broker that were refused", ["why"], registry=self._registry)
        self._frames = Counter("edge_frames", "Frames analysed", ["window"], registry=self._registry)
        self._connections = Counter("edge_connections", "Connections made to the broker", registry=self._registry)
        self._machine = Gauge("edge_machine", "What the machine says about itself", ["what"], registry=self._registry)
        self._problem = Gauge("edge_problem", "1 for each self-check that does not hold", ["check"], registry=self._registry)
        self._backlog = Gauge("edge_backlog_events", "Events without a receipt", registry=self._registry)

    def captured(self, outcome: str) -> None:
        """A session was closed."""
        self._captures.labels(outcome).inc()

    def answered(self, answer: str) -> None:
        """The till was answered."""
        self._answers.labels(answer).inc()

    def failed(self, step: str) -> None:
        """A step failed and was recorded."""
        self._failures.labels(step).inc()

    def refused(self, why: str) -> None:
        """A message of the broker was refused."""
        self._refused.labels(why).inc()

    def analysed(self, window: str) -> None:
        """A frame was analysed."""
        self._frames.labels(window).inc()

    def connected(self) -> None:
        """A connection to the broker was made."""
        self._connections.inc()

    def measured(self, what: str, value: float) -> None:
        """The machine said this about itself; the unit stands in the name."""
        self._machine.labels(what).set(value)

    def checked(self, name: str, holds: bool) -> None:
        """A self-check was run."""
        self._problem.labels(name).set(not holds)

    def waiting(self, events: int) -> None:
        """So many events have no receipt."""
        self._backlog.set(events)

    def text(self) -> bytes:
        """Everything in the Prometheus text format."""
        return generate_latest(self._registry)
