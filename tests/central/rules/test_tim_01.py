"""TIM-01: after hours, and every way in which a late bill is none."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, Row, World, capture, refund, settlement
from tests.central.rules.lines import china, keys

world = partial(World, only=["TIM-01"])
WEEK = [{"fixmedins_code": SITE, "weekday": weekday, "opens": 8 * 60, "closes": 20 * 60} for weekday in range(1, 7)]
NIGHT = china(14, 23)


def found(at: datetime = NIGHT, hours: list[Row] = WEEK, extra: Any = (), sites: Any = (), **changes: Any) -> list[str]:
    billed = [settlement(1, setl_time=at, **changes), *extra]
    return keys(world(billed, [], hours=hours, sites=sites).suspicions("TIM-01"))


def test_a_bill_at_night_is_suspected_and_says_against_what() -> None:
    (suspicion,) = world([settlement(1, setl_time=NIGHT), settlement(2, setl_time=china(14, 10))], [], hours=WEEK).suspicions("TIM-01")
    assert (suspicion.subject_key, suspicion.sev_deg, suspicion.psn_no) == ("P99999900001/20467", "med", None)
    assert suspicion.vola_evid["setl_ids"] == ["S-1"]
    assert suspicion.vola_amt == Decimal("38.50")
    for said in ("2026-01-14 23:00:00", "15分钟", "1笔", "急诊"):
        assert said in suspicion.vola_cont
    assert "by more than 15 minutes" in suspicion.vola_cont_en


def test_nobody_at_the_window_makes_it_grave() -> None:
    times = {"opened_at": china(14, 22, 59), "closed_at": NIGHT}
    empty = capture(1, outcome="no_person", persons=0, face_group=None, face_band=None, **times)
    for seen, severity, said in (
        ([empty], "high", True),
        ([empty | {"camera_fault": True}], "med", False),
        ([empty | {"outcome": "same"}], "med", False),
    ):
        (suspicion,) = world([settlement(1, setl_time=NIGHT)], seen, hours=WEEK).suspicions("TIM-01")
        assert suspicion.sev_deg == severity
        assert ("未见任何人" in suspicion.vola_cont) is said


@pytest.mark.parametrize(
    ("at", "late"),
    [
        (china(14, 20, 15, 59), False),
        (china(14, 20, 16), True),
        (china(14, 7, 45), False),
        (china(14, 7, 44, 59), True),
        (china(18, 12), True),
    ],
    ids=["fifteen minutes later", "sixteen", "before opening", "earlier", "a Sunday, closed"],
)
def test_the_edges_of_the_day(at: datetime, late: bool) -> None:
    assert bool(found(at)) is late


@pytest.mark.parametrize(
    ("opens", "closes", "at", "late"),
    [
        (20 * 60, 2 * 60, china(15, 2, 10), False),
        (20 * 60, 2 * 60, china(15, 2, 20), True),
        (20 * 60, 2 * 60, china(14, 12), True),
        (8 * 60, 1440, china(15, 0, 10), False),
        (5, 20 * 60, china(13, 23, 55), False),
        (0, 1440, china(14, 3), False),
        (480, 480, china(14, 3), False),
        (None, 1200, china(14, 3), False),
        (480, None, china(14, 23), False),
    ],
    ids=[
        "over midnight",
        "after that",
        "before that",
        "until midnight",
        "opens after midnight",
        "all day",
        "no length",
        "no opening",
        "no closing",
    ],
)
def test_hours_over_midnight_and_hours_that_say_little(opens: int | None, closes: int | None, at: datetime, late: bool) -> None:
    hours = [{"fixmedins_code": SITE, "weekday": weekday, "opens": opens, "closes": closes} for weekday in range(1, 8)]
    assert bool(found(at, hours)) is late


def test_two_shifts_with_a_pause() -> None:
    shifts = [WEEK[2] | {"closes": 12 * 60}, WEEK[2] | {"opens": 14 * 60}]
    assert found(china(14, 12, 15), shifts) == found(china(14, 13, 45), shifts) == []
    assert found(china(14, 13), shifts) == ["P99999900001/20467"]


@pytest.mark.parametrize(
    "changes",
    [{"med_type": "13"}, {"med_type": "1301"}, {"med_type": "21"}, {"med_type": "52"}, {"opter_type": "2"}, {"opter_type": "3"}],
    ids=["emergency", "local emergency", "inpatient", "birth", "self-service", "by phone"],
)
def test_what_happens_at_night_by_right(changes: Row) -> None:
    assert found(**changes) == []


def test_registers_that_say_nothing_or_that_it_is_always_open() -> None:
    assert found(hours=[]) == []
    assert found(hours=[WEEK[2] | {"fixmedins_code": "P99999900002"}]) == []
    assert found(sites=[{"fixmedins_code": SITE, "always_open": True}]) == []
    assert found(sites=[{"fixmedins_code": SITE, "always_open": None}]) == ["P99999900001/20467"]


def test_refunds_and_payments_by_phone_are_left_out() -> None:
    assert found(extra=[refund(2, of=1, setl_time=china(15, 10))]) == []
    places = [{"fixmedins_code": SITE, "setl_id": "S-1", "latitude": 0.0, "longitude": 0.0}]
    assert world([settlement(1, setl_time=NIGHT)], [], hours=WEEK, places=places).suspicions("TIM-01") == []


def test_a_night_with_wrongly_declared_hours_is_one_bounded_finding() -> None:
    billed = [settlement(number, setl_time=NIGHT) for number in range(3000)]
    (suspicion,) = world(billed, [], hours=WEEK).suspicions("TIM-01")
    assert suspicion.vola_evid["seen"]["bills"] == 3000
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
    assert suspicion.vola_amt == 3000 * Decimal("38.50")
