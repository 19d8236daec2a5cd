"""AMT-02: cards in series, and the fast honest counters."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import NOON, SITE, Row, World, capture, proxy, refund, settlement
from tests.central.rules.lines import keys

world = partial(World, only=["AMT-02"])
FOUND = ["P99999900001/D1-20467"]


def series(number: int = 3, gap_s: float = 40, **changes: Any) -> list[Row]:
    return [settlement(n, **{"setl_time": NOON + timedelta(seconds=n * gap_s), "dev_no": "D1"} | changes) for n in range(number)]


def seen(number: int = 3, gap_s: float = 40, **changes: Any) -> list[Row]:
    """Captures of these bills that recognised nobody."""
    rows = []
    for n in range(number):
        at = NOON + timedelta(seconds=n * gap_s)
        rows.append(capture(n, **{"outcome": "undecided", "opened_at": at, "closed_at": at} | changes))
    return rows


def found(billed: list[Row], captures: Any = (), **registers: Any) -> list[str]:
    return keys(world(billed, captures, **registers).suspicions("AMT-02"))


def test_three_cards_in_two_minutes_are_suspected() -> None:
    (suspicion,) = world(series(), []).suspicions("AMT-02")
    assert ([suspicion.subject_key], suspicion.sev_deg, suspicion.psn_no) == (FOUND, "med", None)
    assert suspicion.vola_evid["psn_nos"] == ["PSN-0", "PSN-1", "PSN-2"]
    assert suspicion.vola_evid["seen"]["cards"] == 3
    assert "不足60秒" in suspicion.vola_cont
    assert "less than 60 seconds" in suspicion.vola_cont_en


@pytest.mark.parametrize(("number", "gap_s", "suspected"), [(3, 59, True), (3, 60, False), (2, 10, False), (3, 0, True)])
def test_how_many_how_fast(number: int, gap_s: float, suspected: bool) -> None:
    assert bool(found(series(number, gap_s))) is suspected


def test_one_person_with_several_bills_is_not() -> None:
    assert found(series(6, psn_no="PSN-0")) == []


def test_devices_are_told_apart_and_a_clerk_stands_in_for_one() -> None:
    assert found([row | {"dev_no": f"D{n}"} for n, row in enumerate(series(4))]) == []
    assert found(series(dev_no=None, opter="clerk 1")) == ["P99999900001/clerk 1-20467"]
    assert found(series(dev_no=None)) == []
    assert found(series(dev_no="")) == []


def test_a_device_number_of_several_clerks_is_that_of_a_whole_site() -> None:
    assert found([row | {"opter": f"clerk {n}"} for n, row in enumerate(series(4))]) == []
    assert found(series(opter="clerk 1")) == FOUND


@pytest.mark.parametrize("outcome", ["same", "manual_verified", "proxy"])
def test_people_who_stood_there_break_a_series(outcome: str) -> None:
    assert found(series(), seen(outcome=outcome)) == []
    middle = [row if n == 1 else row | {"outcome": "undecided"} for n, row in enumerate(seen(outcome=outcome))]
    assert found(series(gap_s=25), middle) == [], "the two around him are no series"
    assert found(series(), seen()) == FOUND


def test_a_device_number_of_a_whole_site_is_not() -> None:
    assert found(series(), [row | {"window": f"W{n}"} for n, row in enumerate(seen())]) == []


def test_a_proxy_a_refund_a_phone_and_self_service_are_left_out() -> None:
    assert found(series(), proxies=[proxy("PSN-1", "PSN-X")]) == []
    assert found([*series(), refund(9, of=1, dev_no="D1")]) == []
    assert found(series(opter_type="3")) == found(series(opter_type="2")) == []
    assert found(series(opter_type="1")) == FOUND
    assert found(series(), places=[{"fixmedins_code": SITE, "setl_id": "S-1", "latitude": 0.0, "longitude": 0.0}]) == []


def test_two_series_on_a_day_are_one_finding_and_a_slash_stays_out_of_its_subject() -> None:
    later = [
        row | {"setl_id": f"T-{n}", "setl_time": row["setl_time"] + timedelta(hours=1)} for n, row in enumerate(series(4, dev_no="A/1"))
    ]
    (suspicion,) = world([*series(dev_no="A/1"), *later], []).suspicions("AMT-02")
    assert suspicion.subject_key == "P99999900001/A_1-20467"
    assert (suspicion.vola_evid["seen"]["series"], suspicion.vola_evid["seen"]["bills"], suspicion.vola_evid["seen"]["cards"]) == (2, 7, 4)


def test_a_batch_of_twenty_thousand_is_one_bounded_finding() -> None:
    (suspicion,) = world(series(20_000, 1), []).suspicions("AMT-02")
    assert suspicion.vola_evid["seen"]["cards"] == 20_000
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
