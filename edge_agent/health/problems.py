"""Run the self-checks that can hold or not hold while the agent runs."""

from collections.abc import Callable, Mapping

import structlog

from contract.state import Problem
from edge_agent.health.metrics import Metrics

log = structlog.get_logger(__name__)

Check = Callable[[], Problem | None]


class Problems:
    """Runs named checks on demand."""

    def __init__(self, checks: Mapping[str, Check], metrics: Metrics) -> None:
        self._checks = checks
        self._metrics = metrics

    def find(self) -> tuple[Problem, ...]:
        """What is wrong now. A check that breaks is a problem itself and stops no other."""
        found = {name: self._run(name, check) for name, check in self._checks.items()}
        for name, problem in found.items():
            self._metrics.checked(name, problem is None)
        return tuple(problem for problem in found.values() if problem is not None)

    def _run(self, name: str, check: Check) -> Problem | None:
        try:
            return check()
        except (OSError, ValueError, RuntimeError) as error:
            log.exception("check_failed", check=name)
            self._metrics.failed("check")
            return Problem(check=name, detail=f"the check itself failed: {type(error).__name__}")
