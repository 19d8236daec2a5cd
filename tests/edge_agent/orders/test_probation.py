"""When settings count as proved."""

from contract.state import Problem
from edge_agent.orders.probation import Probation, Signs
from tests.edge_agent.orders.device import Bird
from tests.fakes import HandClock


class Trial:
    """A probation of a minute, and the program that it looks at."""

    def __init__(self, before: tuple[str, ...] = ()) -> None:
        self.clock, self.bird, self.found, self.heard = HandClock(), Bird(), set[str](), True
        self.probation = Probation(lasts_s=60, before=before, line=True, clock=self.clock)

    def look(self, seconds: int) -> str | None:
        """What it says first within so many seconds."""
        signs = Signs(
            problems=lambda: tuple(Problem(check=code, detail="wrong") for code in sorted(self.found)),
            connected=lambda: True,
            heard=lambda: self.heard,
            still=lambda: (),
            canary=self.bird,
            idle=lambda: True,
        )
        for _ in range(seconds):
            self.clock.pass_s(1)
            if told := self.probation.look(signs):
                return f"{told.result} {told.why} {told.detail}"
        return None


def test_it_lasts_its_time() -> None:
    trial = Trial()
    assert trial.look(59) is None and str(trial.look(1)).startswith("in_force None")


def test_what_comes_and_goes_does_not_pass_in_a_lucky_moment() -> None:
    trial = Trial()
    assert trial.look(55) is None
    for _ in range(7):
        trial.found = {"camera"}
        assert trial.look(1) is None
        trial.found = set()
        assert trial.look(7) is None
    trial.found = {"camera"}
    assert trial.look(60) == "rolled_back problem camera: wrong"


def test_what_mends_itself_in_time_is_forgiven() -> None:
    trial = Trial()
    trial.heard, trial.found = False, {"camera"}
    assert trial.look(70) is None
    trial.heard, trial.found = True, set()
    assert str(trial.look(15)).startswith("in_force")


def test_a_line_that_is_never_heard_is_not() -> None:
    trial = Trial()
    trial.heard = False
    assert trial.look(119) is None and str(trial.look(1)).startswith("rolled_back line")


def test_a_canary_that_settlements_left_no_moment_runs_in_the_end() -> None:
    trial = Trial()
    trial.bird.late_s = 3600
    assert trial.look(59) is None and trial.bird.runs == 0
    assert str(trial.look(20)).startswith("in_force") and trial.bird.runs == 1


def test_a_canary_that_fails_then_ends_it() -> None:
    class Sick(Bird):
        def run(self) -> None:
            super().run()
            self.fault = "store (OSError)"

    trial = Trial()
    trial.bird = Sick(late_s=3600)
    assert trial.look(70) == "rolled_back canary the test picture failed at store (OSError)"
