"""INP-03: one stay in pieces, and returns that were meant or could not be helped."""

from functools import partial
from typing import Any

import pytest

from tests.central.analysis import Row, World, refund, settlement
from tests.central.rules.lines import china, keys

world = partial(World, only=["INP-03"])
FOUND = ["P99999900001/V-2"]


def bill(number: int, begin: int, end: int, **changes: Any) -> Row:
    """The bill of stay V-<number>."""
    stay = {"mdtrt_id": f"V-{number}", "begndate": china(begin, 0), "enddate": china(end, 0), "setl_time": china(end, 11), "med_type": "21"}
    return settlement(number, psn_no="PSN-1", dscg_maindiag_code="I10.x", dscg_way="1", days_rinp_flag_31=0, **stay) | changes


def found(*billed: Row) -> list[str]:
    return keys(world(list(billed), []).suspicions("INP-03"))


def twice(first: Any = None, second: Any = None, gap: int = 3) -> list[str]:
    return found(bill(1, 1, 5) | (first or {}), bill(2, 5 + gap, 9 + gap) | (second or {}))


def test_back_after_three_days_with_the_same_diagnosis_is_suspected() -> None:
    (suspicion,) = world([bill(1, 1, 5), bill(2, 8, 12)], []).suspicions("INP-03")
    assert ([suspicion.subject_key], suspicion.psn_no, suspicion.sev_deg) == (FOUND, "PSN-1", "med")
    assert suspicion.vola_evid["setl_ids"] == ["S-2"]
    assert float(suspicion.vola_amt) == 38.5
    assert "住院V-1出院3日后，以同一主要诊断（I10.x）再次住院V-2" in suspicion.vola_cont
    assert "3 days after discharge from stay V-1" in suspicion.vola_cont_en


@pytest.mark.parametrize(("gap", "suspected"), [(0, True), (15, True), (16, False), (-1, False)])
def test_how_soon(gap: int, suspected: bool) -> None:
    assert bool(twice(gap=gap)) is suspected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"days_rinp_flag_31": 1}, {}),
        ({"dscg_way": "2"}, {}),
        ({"dscg_way": "4"}, {}),
        ({}, {"med_type": "24"}),
        ({"dscg_maindiag_code": "Z51.100"}, {"dscg_maindiag_code": "Z51.100"}),
        ({}, {"dscg_maindiag_code": "E11.9"}),
        ({"dscg_maindiag_code": None}, {"dscg_maindiag_code": None}),
        ({}, {"fixmedins_code": "H11010000001"}),
        ({}, {"psn_no": "PSN-2"}),
        ({}, {"med_type": "11"}),
        ({}, {"mdtrt_id": "V-1"}),
        ({}, {"begndate": None}),
    ],
    ids=[
        "planned",
        "transferred",
        "against advice",
        "emergency",
        "chemotherapy",
        "another illness",
        "not said",
        "another hospital",
        "another person",
        "an outpatient",
        "a bill in the middle",
        "begin unknown",
    ],
)
def test_returns_that_are_none_or_were_meant(first: Row, second: Row) -> None:
    assert twice(first, second) == []


def test_where_the_plan_is_never_stated_nothing_is_said() -> None:
    assert twice({"days_rinp_flag_31": None}, {"days_rinp_flag_31": None}) == []
    assert twice({"days_rinp_flag_31": None}) == FOUND, "the institution does state it"
    assert twice({"dscg_way": None}) == FOUND


def test_the_national_list_of_plans_can_be_set() -> None:
    stays = [bill(1, 1, 5, days_rinp_flag_31=1), bill(2, 8, 12)]
    assert keys(world(stays, [], parameters={"INP-03": {"planned_from": 2}}).suspicions("INP-03")) == FOUND


def test_a_refunded_stay_is_none() -> None:
    assert found(bill(1, 1, 5), bill(2, 8, 12), refund(9, of=2, psn_no="PSN-1")) == []
    assert found(bill(1, 1, 5), bill(2, 8, 12), refund(9, of=1, psn_no="PSN-1")) == []


def test_three_pieces_are_two_findings() -> None:
    assert found(bill(1, 1, 5), bill(2, 6, 10), bill(3, 11, 15)) == ["P99999900001/V-2", "P99999900001/V-3"]
