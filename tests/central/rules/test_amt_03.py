"""AMT-03: settled and taken back within minutes, and the corrections that look like it."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import NOON, Row, World, refund, settlement
from tests.central.rules.lines import keys, line

world = partial(World, only=["AMT-03"])
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
DAY = ["P99999900001/day-20467"]


def loops(number: int = 3, after: timedelta = 5 * MINUTE, apart: timedelta = 60 * MINUTE, fen: int = 3850, **changes: Any) -> list[Row]:
    """So many bills, each taken back so long after."""
    rows = []
    for n in range(number):
        at = NOON - timedelta(hours=3) + n * apart
        rows.append(settlement(n, setl_time=at, **changes))
        rows.append(refund(100 + n, of=n, fen=fen, **{"setl_time": at + after, "psn_no": f"PSN-{n}"} | changes))
    return rows


def found(billed: list[Row], **registers: Any) -> list[str]:
    return keys(world(billed, [], **registers).suspicions("AMT-03"))


def test_three_on_a_day_are_suspected() -> None:
    (suspicion,) = world(loops(), []).suspicions("AMT-03")
    assert ([suspicion.subject_key], suspicion.sev_deg, suspicion.psn_no) == (DAY, "med", None)
    assert suspicion.vola_evid["setl_ids"] == ["S-0", "S-1", "S-2"]
    assert suspicion.vola_amt == 3 * 38.5
    assert "3笔结算在10分钟内全额退费" in suspicion.vola_cont
    assert "within 10 minutes (of 3 on that day)" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("number", "after", "suspected"),
    [(2, MINUTE, False), (3, 10 * MINUTE, True), (3, 10 * MINUTE + SECOND, False), (3, -MINUTE, False)],
)
def test_how_many_how_soon(number: int, after: timedelta, suspected: bool) -> None:
    assert bool(found(loops(number, after))) is suspected


def test_a_part_taken_back_and_a_refund_of_nothing_known_are_not() -> None:
    assert found(loops(fen=1000)) == []
    assert found([row for row in loops() if row["refd_setl_flag"]]) == []


def test_slips_of_a_large_hospital_are_not() -> None:
    busy = [settlement(1000 + n, setl_time=NOON) for n in range(297)]
    assert found([*loops(), *busy]) == DAY
    assert found([*loops(), *busy, settlement(2000, setl_time=NOON)]) == []


@pytest.mark.parametrize(("later", "suspected"), [(29 * MINUTE, False), (30 * MINUTE, False), (31 * MINUTE, True)])
def test_the_right_bill_afterwards_makes_a_correction(later: timedelta, suspected: bool) -> None:
    rows = loops()
    right = [
        settlement(200 + n, psn_no=row["psn_no"], setl_time=row["setl_time"] + later) for n, row in enumerate(rows) if row["refd_setl_flag"]
    ]
    assert bool(found(rows + right)) is suspected


def test_a_bill_before_and_one_that_was_taken_back_too_correct_nothing() -> None:
    before = [settlement(200 + n, psn_no=f"PSN-{n}", setl_time=NOON - timedelta(hours=4)) for n in range(3)]
    assert found(loops() + before) == DAY


def test_one_persons_loops_over_weeks_are_suspected() -> None:
    rows = loops(3, apart=timedelta(days=25), psn_no="PSN-7")
    lines = [line(n) for n in range(3)]
    (suspicion,) = world(rows, [], details=lines).suspicions("AMT-03")
    assert (suspicion.subject_key, suspicion.psn_no) == ("P99999900001/person-PSN-7", "PSN-7")
    assert "同一项目（XA1）" in suspicion.vola_cont
    assert "with the same item (XA1)" in suspicion.vola_cont_en
    assert found(rows, details=[line(n, med_list_codg=f"X{n}") for n in range(3)]) == []
    assert found(loops(3, apart=timedelta(days=25)), details=lines) == [], "three persons"


@pytest.mark.parametrize(("apart", "suspected"), [(timedelta(days=30), True), (timedelta(days=30, seconds=1), False)])
def test_how_long_loops_are_remembered(apart: timedelta, suspected: bool) -> None:
    assert bool(found(loops(3, apart=apart, psn_no="PSN-7"), details=[line(n) for n in range(3)])) is suspected


def test_a_person_with_five_thousand_loops_is_bounded() -> None:
    rows = loops(5000, apart=timedelta(seconds=1), psn_no="PSN-7")
    hits = world(rows, [], details=[line(n) for n in range(5000)]).suspicions("AMT-03")
    assert [each.vola_evid["seen"]["bills"] for each in hits] == [5000, 5000]
    assert all(len(each.vola_evid["setl_ids"]) == 1000 for each in hits)
