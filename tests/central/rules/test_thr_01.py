"""THR-01: sessions without the patient, and rooms that cannot tell."""

from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, Row, World, refund, settlement
from tests.central.rules.lines import china, item, keys, line, round_

world = partial(World, only=["THR-01"])
FOUND = ["P99999900001/PSN-1-20467"]
SESSION = item(ingredient=None, per_session=True)


def look(outcome: str = "same", day: int = 14, psn_no: str | None = "PSN-2", hour: int = 10, **changes: Any) -> Row:
    return round_(day, hour, outcome, place="treatment", mdtrt_id=None, psn_no=psn_no) | changes


def found(*looks: Row, billed: Any = None, lines: Any = None, **registers: Any) -> list[str]:
    bills = [settlement(1, setl_time=china(14, 17))] if billed is None else billed
    details = [line(1, fee_ocur_time=china(14, 9), prd_days=None)] if lines is None else lines
    given = {"items": [SESSION], "rounds": list(looks)} | registers
    return keys(world(bills, [], details=details, **given).suspicions("THR-01"))


def test_a_session_without_the_patient_is_suspected() -> None:
    lines = [line(1, fee_ocur_time=china(14, 9))]
    (suspicion,) = world([settlement(1)], [], details=lines, items=[SESSION], rounds=[look()]).suspicions("THR-01")
    assert ([suspicion.subject_key], suspicion.psn_no, suspicion.sev_deg) == (FOUND, "PSN-1", "high")
    assert (suspicion.vola_evid["setl_ids"], float(suspicion.vola_amt)) == (["S-1"], 20.0)
    assert "治疗室人脸查验均未见到本人" in suspicion.vola_cont
    assert "no look into the treatment room met the person" in suspicion.vola_cont_en
    assert found(look("absent", psn_no="PSN-1")) == FOUND


@pytest.mark.parametrize("outcome", ["same", "undecided", "different", None])
@pytest.mark.parametrize("day", [13, 14, 15])
def test_being_met_around_that_day_excuses(outcome: str | None, day: int) -> None:
    assert found(look(), look(outcome, day, "PSN-1")) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("day", [12, 16])
def test_being_met_at_another_time_does_not(day: int) -> None:
    assert found(look(), look("same", day, "PSN-1")) == FOUND


def test_a_stay_known_only_by_its_number_excuses_too() -> None:
    bills = [settlement(1, mdtrt_id="V-1")]
    assert found(look(), look(psn_no=None, mdtrt_id="V-1"), billed=bills) == []
    assert found(look(), look(psn_no=None, mdtrt_id="V-2"), billed=bills) == FOUND
    assert found(look(), look(psn_no=None)) == FOUND, "nobody knows who that was, but it was not said to be he"


def test_rooms_that_were_not_looked_into_say_nothing() -> None:
    assert found() == []
    assert found(look(day=13), look(day=15)) == []
    assert found(look(fixmedins_code="H11010000001")) == []
    assert found(look(place="bed")) == []


def test_rooms_that_could_not_be_seen_say_nothing() -> None:
    assert found(look(), look("blind", psn_no=None, hour=15)) == []
    hour = {"device_id": "r", "fixmedins_code": SITE, "window": "T", "since": china(14, 9), "until": china(14, 10), "seen_us": 0}
    assert found(look(), coverage=[hour | {"role": "treatment", "covered_us": 0, "failed_us": 1}]) == []
    assert found(look(), coverage=[hour | {"role": "treatment", "covered_us": 0, "failed_us": 0}]) == FOUND
    assert found(look(), coverage=[hour | {"role": "window", "covered_us": 0, "failed_us": 1}]) == FOUND


def test_other_items_refunds_and_exempt_persons_are_left_out() -> None:
    assert found(look(), items=[item()]) == []
    assert found(look(), items=[SESSION | {"per_session": None}]) == []
    assert found(look(), billed=[settlement(1), refund(2, of=1)]) == []
    part = [settlement(1), refund(2, of=1, fen=100)]
    back = [line(1, cnt=2000, fee_ocur_time=china(14, 9)), line(2, cnt=-1000, fee_ocur_time=china(15, 9))]
    assert found(look(), billed=part, lines=back) == []
    assert found(look(), lines=[line(1, fee_ocur_time=None)]) == []
    assert found(look(), exemptions=[{"psn_no": "PSN-1", "valid_from": china(1), "valid_to": china(30)}]) == []


def test_a_course_paid_at_once_may_begin_within_a_month() -> None:
    course = [line(1, cnt=10_000, fee_ocur_time=china(14, 9))]
    month_later = look(day=31 + 13)
    assert found(look(), lines=course) == [], "the month is not over"
    assert found(look(), month_later, lines=course) == FOUND
    assert found(look(), month_later, look("same", 40, "PSN-1"), lines=course) == []


def test_two_sessions_on_a_day_are_one_finding() -> None:
    bills = [settlement(1), settlement(2, psn_no="PSN-1")]
    lines = [line(1, fee_ocur_time=china(14, 9)), line(2, fee_ocur_time=china(14, 15))]
    assert found(look(), billed=bills, lines=lines) == FOUND
