"""The ledger of what was seen: every second once, hour by hour, and a fault from when it began."""

from collections.abc import Sequence

import pytest

from edge_agent.camera.coverage import Coverage, CoverageBook, Hour
from edge_agent.errors import VaultFull
from edge_agent.ports import Fault
from edge_agent.window.vacancy import Vacancy
from tests.fakes import HandClock


class Ledger:
    """A coverage of one window with a clock that starts on the hour."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.clock.pass_s(1800)  # 02:00
        self.vacancy = Vacancy(["W1"], empty_share=0.02, gap_s=2)
        self.coverage = Coverage(["W1"], self.vacancy, self.clock)

    def watch(self, seconds: float, code: str | None = None, *, late_s: float = 0.0) -> None:
        since_s = self.clock.mono_s() - late_s
        for _ in range(round(seconds * 2)):
            self.coverage.note("W1", [] if code is None else [Fault(code=code, since_s=since_s)])
            self.clock.pass_s(0.5)


def sums(hour: Hour) -> dict[str, float]:
    return {"seen": hour.seen_s, **hour.blind_s}


def test_an_hour_is_given_once_when_it_is_over() -> None:
    ledger = Ledger()
    ledger.watch(3000)
    ledger.watch(120, "covered", late_s=5)
    ledger.watch(60, "lost", late_s=2)
    assert ledger.coverage.take() == ()
    ledger.watch(600)
    (hour,) = ledger.coverage.take()
    assert (hour.window, hour.since.hour) == ("W1", 2)
    assert sums(hour) == pytest.approx({"seen": 2995 + 420, "covered": 125, "lost": 60}, abs=1)
    assert sum(sums(hour).values()) == pytest.approx(3600, abs=1)
    assert ledger.coverage.take() == ()


def test_time_that_nobody_watched_is_in_no_sum() -> None:
    ledger = Ledger()
    ledger.watch(100)
    ledger.clock.pass_s(1000)
    ledger.watch(100)
    (hour,) = ledger.coverage.close()
    assert sums(hour) == pytest.approx({"seen": 199})


def test_what_could_not_be_written_is_kept() -> None:
    ledger = Ledger()
    ledger.watch(3700)
    taken = ledger.coverage.take()
    ledger.coverage.give_back(taken)
    assert ledger.coverage.take() == taken
    assert len(ledger.coverage.close()) == 1 and ledger.coverage.close() == ()


@pytest.mark.parametrize("code", [None, "frozen"])
def test_settlements_hear_of_faults(code: str | None) -> None:
    ledger = Ledger()
    ledger.watch(4, code)
    now_s = ledger.clock.mono_s()
    around = ledger.vacancy.around("W1", now_s - 3, now_s, own=(now_s - 3, now_s))
    assert around.faults == (() if code is None else (code,))


def test_the_book_writes_what_is_over_and_at_the_end_the_rest_but_no_crumbs() -> None:
    ledger, written = Ledger(), list[Hour]()
    book = CoverageBook(ledger.coverage, written.extend)
    book.start()
    ledger.watch(3500)
    book.turn()
    assert written == []
    ledger.watch(200)
    book.turn()
    book.turn()
    assert [hour.since.hour for hour in written] == [2]
    book.stop()
    assert [hour.since.hour for hour in written] == [2, 3]
    ledger.watch(30)
    book.stop()
    assert len(written) == 2


def test_a_full_disk_costs_no_hour() -> None:
    ledger, written, full = Ledger(), list[Hour](), True

    def write(hours: Sequence[Hour]) -> None:
        if full:
            raise VaultFull("no room")
        written.extend(hours)

    book = CoverageBook(ledger.coverage, write)
    ledger.watch(3700)
    with pytest.raises(VaultFull):
        book.turn()
    full = False
    book.turn()
    assert len(written) == 1
