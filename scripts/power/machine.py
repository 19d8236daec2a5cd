"""Arbitrary schedules of what a terminal does and when its power goes, as a state machine that hypothesis drives."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from scripts.power.terminal import Terminal

STEPS = 20
DELAYS = st.integers(0, 6) | st.integers(0, 40)  # calls to the disk; an action makes from 1 to about 60, most of them a few

STARTS = st.integers(0, 24)  # most starts make fewer calls
LONG_DELAYS = DELAYS | st.integers(0, 150)  # a start that sets a file aside, begins a new one and reads the old one

counted: Counter[str] = Counter()
"""Schedules and power cuts so far, and what was under way on the disk when the power went."""


class PowerMachine(RuleBasedStateMachine):
    """One schedule. Every one ends with a power cut, whatever was due."""

    progress: Callable[[], None] = staticmethod(lambda: None)

    @initialize(number=st.integers(0, 2**32 - 1), delay=st.none() | DELAYS)
    def begin(self, number: int, delay: int | None) -> None:
        """The very first start, whose power may go as well."""
        self.terminal, self.made = Terminal(Random(number)), 0  # noqa: S311 - repeatable, no secret
        self.terminal.disk.cut_after(delay)
        self.terminal.start()

    @rule(delay=DELAYS)
    def fail_power_soon(self, delay: int) -> None:
        """In the middle of what comes next."""
        self.terminal.fail_power_in(delay)

    @rule(delay=st.integers(0, 6), again=STARTS)
    def fail_power_twice(self, delay: int, again: int) -> None:
        """In the middle of a transaction and in the start behind it, which may find its log torn."""
        self.terminal.fail_power_in(delay, again)
        self.remark()

    @rule()
    def fail_power_now(self) -> None:
        """Between two actions."""
        self.terminal.fail_power()

    @rule(delay=st.none() | DELAYS)
    def restart(self, delay: int | None) -> None:
        """Orderly, unless the power goes."""
        self.terminal.disk.cut_after(delay)
        self.terminal.restart()

    @rule(back_s=st.integers(0, 5000), delay=st.none() | LONG_DELAYS, hole=st.booleans())
    def lose_the_outbox(self, back_s: int, delay: int | None, hole: bool) -> None:
        """And the clock with it."""
        self.terminal.clock.set_back(back_s)
        self.terminal.damage(delay, hole=hole)

    @rule()
    def open(self) -> None:
        """A card is read."""
        self.made += 1
        self.terminal.open_session(f"M{self.made:04}")

    @precondition(lambda self: self.unbound())
    @rule(data=st.data())
    def bind(self, data: st.DataObject) -> None:
        """The national reply comes."""
        self.made += 1
        self.terminal.bind(data.draw(st.sampled_from(self.unbound())), f"S{self.made}")

    @rule(number=st.integers(1, 30))
    def void(self, number: int) -> None:
        """A settlement is reversed, known here or not."""
        self.terminal.void(f"S{number}")

    @precondition(lambda self: self.unclosed())
    @rule(data=st.data(), sizes=st.lists(st.sampled_from((1, 3000, 20_000)), max_size=2))
    def close(self, data: st.DataObject, sizes: list[int]) -> None:
        """A session ends in its capture."""
        self.terminal.close_session(data.draw(st.sampled_from(self.unclosed())), sizes)

    @rule()
    def remark(self) -> None:
        """Something happened that concerns no settlement."""
        self.made += 1
        self.terminal.remark(f"{self.made:064x}")

    @rule()
    def connect(self) -> None:
        """To the broker."""
        self.terminal.connect()

    @rule()
    def send(self) -> None:
        """What waits."""
        self.terminal.send()

    @rule(share=st.sampled_from((0.0, 0.5, 1.0)), media_share=st.sampled_from((0.0, 0.5, 1.0)))
    def receipt(self, share: float, media_share: float) -> None:
        """For a part of what was sent by now."""
        self.terminal.send()
        self.terminal.receipt(share, media_share)

    def unbound(self) -> list[str]:
        """Sessions without a settlement."""
        return [name for name, (setl_id, _) in self.terminal.ledger.sessions.items() if setl_id is None]

    def unclosed(self) -> list[str]:
        """Sessions without a capture."""
        return [name for name, (_, closed) in self.terminal.ledger.sessions.items() if not closed]

    def teardown(self) -> None:
        """The power goes once more."""
        if hasattr(self, "terminal"):
            try:
                self.terminal.fail_power()
            finally:
                self.terminal.end()
            counted["cuts"] += self.terminal.cuts
            counted.update(self.terminal.disk.cuts_during)
        counted["schedules"] += 1
        self.progress()


def run(schedules: int, number: int) -> None:
    """Run that many schedules; raises Violation, or whatever else breaks, at the first that fails."""
    limits = settings(
        max_examples=schedules,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    with _quiet():
        run_state_machine_as_test(seed(number)(PowerMachine), settings=limits)


@contextmanager
def _quiet() -> Iterator[None]:
    """SQLite passes over some failures of the disk; they need not be printed."""
    before = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before
