"""INP-02: somebody else in the bed, and visitors, wrong looks and mixed-up beds."""

from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, Row, World, settlement
from tests.central.rules.lines import china, keys, round_, stay

world = partial(World, only=["INP-02"])
FOUND = ["P99999900001/V-1"]


def found(*taken: Row, **registers: Any) -> list[str]:
    return keys(world([], [], stays=[stay()], rounds=list(taken), **registers).suspicions("INP-02"))


OTHERS = (round_(7, 9, "different"), round_(8, 9, "different"))


def test_two_rounds_with_somebody_else_are_suspected() -> None:
    bill = settlement(1, mdtrt_id="V-1", med_type="21")
    (suspicion,) = world([bill], [], stays=[stay()], rounds=list(OTHERS)).suspicions("INP-02")
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (FOUND[0], "PSN-1", "high")
    assert (suspicion.vola_evid["setl_ids"], float(suspicion.vola_amt)) == (["S-1"], 38.5)
    assert "2026-01-07 09:00:00至2026-01-08 09:00:00" in suspicion.vola_cont
    assert "有2次床旁人脸查房" in suspicion.vola_cont
    assert "2 face rounds" in suspicion.vola_cont_en


def test_one_round_however_often_looked_is_not() -> None:
    assert found(OTHERS[0]) == []
    assert found(OTHERS[0], round_(7, 11, "different"), round_(7, 10, "different")) == []
    assert found(OTHERS[0], round_(7, 15, "different")) == FOUND


@pytest.mark.parametrize("outcome", ["undecided", "absent", "blind", "same"])
def test_other_outcomes_are_not(outcome: str) -> None:
    assert found(round_(7, 9, outcome), round_(8, 9, outcome)) == []


def test_a_look_that_met_the_patient_clears_its_half_day() -> None:
    assert found(*OTHERS, round_(8, 10, "same")) == []


def test_a_patient_who_was_met_as_often_is_not() -> None:
    assert found(*OTHERS, round_(9, 9, "same"), round_(10, 9, "same")) == []
    assert found(*OTHERS, round_(9, 9, "same")) == FOUND


def test_leave_exemption_and_the_treatment_room_excuse() -> None:
    away = {"fixmedins_code": SITE, "mdtrt_id": "V-1", "leave_from": china(8, 0), "leave_to": china(9, 0), "reason": "leave"}
    assert found(*OTHERS, leaves=[away]) == []
    assert found(*OTHERS, exemptions=[{"psn_no": "PSN-1", "valid_from": china(1), "valid_to": china(30)}]) == []
    assert found(*[row | {"place": "treatment"} for row in OTHERS]) == []


def test_rounds_of_no_known_stay_are_not() -> None:
    assert found(*[row | {"mdtrt_id": "V-9"} for row in OTHERS]) == []
    assert found(*[row | {"mdtrt_id": None} for row in OTHERS]) == []
