"""The self-checks about the machine, its stores and the program itself, put together; those about cameras and the line stand elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.state import Problem
from edge_agent.chain.books import Books
from edge_agent.clock import Clock
from edge_agent.disk.reserve import Reserve
from edge_agent.health import machine
from edge_agent.health.canary import Canary
from edge_agent.health.checks import canary as canary_check
from edge_agent.health.checks import certificate, memory, reserve, store, temperature, threads
from edge_agent.health.checks import cooldown as cooldown_check
from edge_agent.health.metrics import Metrics
from edge_agent.health.pulse import Pulses
from edge_agent.health.soundness import Soundness
from edge_agent.judging.cooldown import Cooldown
from edge_agent.keyring import tls_files
from edge_agent.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfKnowledge:
    """The parts that know how the program itself is."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    pulses: Pulses
    canary: Canary
    cooldown: Cooldown
    books: Books
    reserve: Reserve
    soundness: Soundness
    set_aside: Callable[[], Sequence[Path]]
    """Damaged files that were moved away."""

    def checks(self) -> Mapping[str, Callable[[], Problem | None]]:
        """By name, as `Problems` runs them."""
        return {
            "temperature": self._temperature,
            "memory": self._memory,
            "certificate": self._certificate,
            "threads": lambda: threads.check(self.pulses.still(), self.settings.machine.still_s),
            "reserve": lambda: reserve.check(self.reserve.given_up, self.settings.machine.reserve_mb, self.books.waiting),
            "cooldown": lambda: cooldown_check.check(self.cooldown.paused_windows(), self.cooldown.paused_persons()),
            "store": lambda: store.check(self.set_aside(), self.soundness.damaged),
            "canary": lambda: canary_check.check(self.canary.fault, self.canary.late_s, self.settings.machine.canary_every_s),
        }

    def chores(self) -> Mapping[str, Callable[[], object]]:
        """What the ticker does about once a second."""
        return {
            "pulse": self.pulses.clock("ticker").mono_s,
            "reserve": self.reserve.keep,
            "store": self.soundness.look,
            "canary": self.canary.run_if_due,
        }

    def _temperature(self) -> Problem | None:
        hottest = machine.hottest_c()
        if hottest is not None:
            self.metrics.measured("temperature_celsius", hottest)
        return temperature.check(hottest, self.settings.machine.max_temperature_c)

    def _memory(self) -> Problem | None:
        resident, available = machine.resident_mb(), machine.available_mb()
        self.metrics.measured("resident_megabytes", resident)
        limits = self.settings.machine
        return memory.check(resident, available, max_mb=limits.max_memory_mb, min_available_mb=limits.min_free_memory_mb)

    def _certificate(self) -> Problem | None:
        ends, now = machine.certificate_ends(tls_files(self.settings.files)[0]), self.clock.now()
        self.metrics.measured("certificate_days", (ends - now).total_seconds() / 86_400)
        return certificate.check(ends, now, self.settings.machine.certificate_days)
