"""AMT-04: more people billed than came in, and the counters that cannot say so."""

from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, Row, World, capture, settlement
from tests.central.rules.lines import china, keys

world = partial(World, only=["AMT-04"])
FOUND = ["P99999900001/20467"]


def counted(day: int = 14, entered: int | None = 3, hours: Any = range(9, 12), **changes: Any) -> list[Row]:
    """An entrance that was seen all through these hours; everybody came in the first."""
    rows = []
    for hour in hours:
        span = {"since": china(day, hour), "until": china(day, hour + 1), "seen_us": 3_600_000_000, "covered_us": 0, "failed_us": 0}
        people = entered if hour == min(hours) or entered is None else 0
        rows.append({"device_id": "e1", "fixmedins_code": SITE, "window": "E", "role": "entrance", "entered": people} | span | changes)
    return rows


def bills(persons: int = 12, day: int = 14, start: int = 0, **changes: Any) -> list[Row]:
    """Settlements of so many persons between nine and twelve."""
    return [settlement(start + n, **{"setl_time": china(day, 9 + n % 3, 10)} | changes) for n in range(persons)]


def found(billed: list[Row], coverage: list[Row], seen: Any = (), **registers: Any) -> list[str]:
    return keys(world(billed, seen, coverage=coverage, **registers).suspicions("AMT-04"))


def test_twelve_settle_and_three_came_in() -> None:
    (suspicion,) = world(bills(), [], coverage=counted()).suspicions("AMT-04")
    assert ([suspicion.subject_key], suspicion.sev_deg, suspicion.psn_no) == (FOUND, "high", None)
    assert len(suspicion.vola_evid["setl_ids"]) == 12
    assert suspicion.vola_evid["psn_nos"] == [], "nobody of them is suspected"
    assert "12名参保人" in suspicion.vola_cont
    assert "仅见3人进入" in suspicion.vola_cont
    assert "saw 3 people come in" in suspicion.vola_cont_en


@pytest.mark.parametrize(("persons", "entered", "suspected"), [(12, 3, True), (12, 4, False), (10, 0, True), (9, 0, False)])
def test_one_day_is_enough_beyond_three_times(persons: int, entered: int, suspected: bool) -> None:
    assert bool(found(bills(persons), counted(entered=entered))) is suspected


@pytest.mark.parametrize(("days", "entered", "number"), [((2, 9, 14), 9, 3), ((2, 9), 9, 0), ((2, 9, 14), 10, 0)])
def test_three_days_are_enough_beyond_half_as_many_again(days: tuple[int, ...], entered: int, number: int) -> None:
    billed = [row for day in days for row in bills(15 if entered == 10 else 14, day, start=100 * day)]
    coverage = [row for day in days for row in counted(day, entered)]
    assert len(found(billed, coverage)) == number


def test_one_visitor_with_many_bills_is_one_person() -> None:
    billed = [row | {"psn_no": f"PSN-{n % 4}"} for n, row in enumerate(bills(40))]
    assert found(billed, counted(entered=4)) == []


@pytest.mark.parametrize(
    "coverage",
    [
        [],
        counted(entered=None),
        counted(seen_us=3_400_000_000),
        counted(hours=(9, 10)),
        counted(hours=(9, 11)),
        counted(role="window"),
        [*counted(), *counted(device_id="e2", hours=(9, 10))],
        [*counted(), *counted(12, device_id="e2")],
    ],
    ids=[
        "no entrance",
        "not counted",
        "blind for a while",
        "ended early",
        "an hour missing",
        "a window",
        "second door half",
        "second door died",
    ],
)
def test_an_entrance_that_was_not_wholly_counted_says_nothing(coverage: list[Row]) -> None:
    assert found(bills(), coverage) == []


def test_a_second_door_adds_up() -> None:
    assert found(bills(), [*counted(), *counted(device_id="e2", entered=1)]) == []


@pytest.mark.parametrize("changes", [{"med_type": "21"}, {"opter_type": "3"}, {"opter_type": "2"}], ids=["stays", "phone", "self-service"])
def test_bills_of_people_who_need_not_come_in_are_left_out(changes: Row) -> None:
    assert found(bills(**changes), counted()) == []


def test_where_windows_recognised_more_than_came_in_the_counter_erred() -> None:
    billed = bills()
    own = [capture(n, opened_at=row["setl_time"], closed_at=row["setl_time"]) for n, row in enumerate(billed)]
    assert found(billed, counted(), own) == []
    assert found(billed, counted(), own[:4]) == []
    (suspicion,) = world(billed, own[:3], coverage=counted()).suspicions("AMT-04")
    assert len(suspicion.vola_evid["setl_ids"]) == 9, "who was recognised is not named"
