"""INP-01: beds that are empty at both rounds, and patients who had reason to be away."""

from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, Row, World, settlement
from tests.central.rules.lines import china, keys, round_, stay

world = partial(World, only=["INP-01"])
FOUND = ["P99999900001/V-1"]


def rounds(days: Any = (8,), outcome: str = "absent", neighbour: bool = True, **changes: Any) -> list[Row]:
    """Rounds at nine and at three, at which the neighbour was met and the patient was not."""
    rows = []
    for day in days:
        for hour in (9, 15):
            rows.append(round_(day, hour, outcome, **changes))
            rows.extend([round_(day, hour, "same", mdtrt_id="V-2", psn_no="PSN-2")] * neighbour)
    return rows


def found(taken: list[Row], stays: Any = None, **registers: Any) -> dict[str, str]:
    beds = [stay(), stay(mdtrt_id="V-2", psn_no="PSN-2")] if stays is None else stays
    return {each.subject_key: each.sev_deg for each in world([], [], stays=beds, rounds=taken, **registers).suspicions("INP-01")}


MED, HIGH = {FOUND[0]: "med"}, {FOUND[0]: "high"}


def test_a_day_without_the_patient_is_suspected() -> None:
    bill = settlement(1, mdtrt_id="V-1", med_type="21", fund_pay_sumamt=80_000, acct_pay=0, medfee_sumamt=90_000)
    (suspicion,) = world([bill], [], stays=[stay()], rounds=rounds()).suspicions("INP-01")
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (FOUND[0], "PSN-1", "med")
    assert suspicion.vola_amt == 100, "one of eight days"
    assert suspicion.vola_evid["setl_ids"] == ["S-1"]
    assert "2026-01-08至2026-01-08期间有1个住院日" in suspicion.vola_cont
    assert "on 1 days, 1 of them in a row, between 2026-01-08 and 2026-01-08" in suspicion.vola_cont_en


def test_days_in_a_row_are_grave_and_days_apart_are_not() -> None:
    assert found(rounds((7, 8))) == HIGH
    assert found(rounds((7, 9))) == MED
    assert (
        found(rounds((7, 8)), leaves=[{"fixmedins_code": SITE, "mdtrt_id": "V-1", "leave_from": china(8, 8), "leave_to": china(8, 9)}])
        == MED
    )


def test_a_ward_where_many_are_missing_is_grave() -> None:
    ward = [stay(mdtrt_id=f"V-{n}", psn_no=f"PSN-{n}") for n in range(1, 11)]
    three = [row for n in (1, 2, 3) for row in rounds(mdtrt_id=f"V-{n}", psn_no=f"PSN-{n}", neighbour=False)]
    assert set(found(three, ward).values()) == {"high"}
    assert set(found(three[:4], ward).values()) == {"high"}, "the others were not met either"
    met = [round_(8, 9, "same", mdtrt_id=f"V-{n}", psn_no=f"PSN-{n}") for n in range(3, 11)]
    assert found(three[:4] + met, ward) == {f"{SITE}/V-1": "med", f"{SITE}/V-2": "med"}, "two of ten is a fifth and no more"


@pytest.mark.parametrize("day", [5, 12, 4, 13])
def test_the_first_and_the_last_day_never_count(day: int) -> None:
    assert found(rounds((day,))) == {}


@pytest.mark.parametrize("outcome", ["same", "undecided", "blind", "different", None])
def test_any_other_round_of_the_day_excuses(outcome: str | None) -> None:
    assert found([*rounds(), round_(8, 20, outcome)]) == {}  # type: ignore[arg-type]


def test_looks_into_the_treatment_room_are_no_rounds_of_the_ward() -> None:
    assert found(rounds(place="treatment", mdtrt_id="V-3", psn_no="PSN-3", neighbour=False), [stay(), stay(mdtrt_id="V-3")]) == {}
    assert found(rounds(mdtrt_id="V-3", psn_no="PSN-3", neighbour=False), [stay(), stay(mdtrt_id="V-3")]), "at the beds they are"


def test_being_seen_in_the_treatment_room_excuses() -> None:
    assert found([*rounds(), round_(8, 20, "same", place="treatment")]) == {}


@pytest.mark.parametrize("taken", [rounds()[:2], rounds()[2:], []], ids=["morning", "afternoon", "none"])
def test_a_day_on_which_the_ward_had_not_both_rounds_says_nothing(taken: list[Row]) -> None:
    assert found(taken) == {}


def test_a_patient_whom_no_round_names_was_missed_where_his_ward_had_rounds() -> None:
    others = [row for row in rounds() if row["mdtrt_id"] == "V-2"]
    assert found(others) == MED
    assert found(others, [stay(ward="other"), stay(mdtrt_id="V-2", psn_no="PSN-2")]) == {}
    elsewhere = [row | {"fixmedins_code": "H11010000001"} for row in others]
    assert found(elsewhere) == {}


@pytest.mark.parametrize(
    ("span", "excused"),
    [
        ({"leave_from": china(8, 8), "leave_to": china(8, 10), "reason": "leave"}, True),
        ({"leave_from": china(6, 8), "leave_to": china(20), "reason": "transfer"}, True),
        ({"leave_from": china(8, 23), "leave_to": None, "reason": "examination"}, True),
        ({"leave_from": None, "leave_to": china(8, 1), "reason": None}, True),
        ({"leave_from": china(7, 8), "leave_to": china(8, 0), "reason": "leave"}, False),
        ({"leave_from": china(9, 0), "leave_to": china(9, 10), "reason": "leave"}, False),
        ({"leave_from": china(8, 8), "leave_to": china(8, 10), "mdtrt_id": "V-2"}, False),
    ],
    ids=["some hours", "transferred", "end unknown", "begin unknown", "until the day before", "the day after", "the neighbour's"],
)
def test_leave_excuses_its_days(span: Row, excused: bool) -> None:
    leaves = [{"fixmedins_code": SITE, "mdtrt_id": "V-1"} | span]
    assert (found(rounds(), leaves=leaves) == {}) is excused


def test_exempt_persons_and_a_stay_that_lasts() -> None:
    assert found(rounds(), exemptions=[{"psn_no": "PSN-1", "valid_from": china(1), "valid_to": china(30)}]) == {}
    assert found(rounds((20,)), [stay(discharged_at=None), stay(mdtrt_id="V-2", psn_no="PSN-2", discharged_at=None)]) == MED
    assert found(rounds(), [stay(admitted_at=None), stay(mdtrt_id="V-2", psn_no="PSN-2")]) == {}


def test_a_stay_that_is_not_billed_yet_costs_nothing_yet() -> None:
    (suspicion,) = world([], [], stays=[stay()], rounds=rounds()).suspicions("INP-01")
    assert (suspicion.vola_amt, suspicion.vola_evid["setl_ids"]) == (0, [])
    assert keys([suspicion]) == FOUND
