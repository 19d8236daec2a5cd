"""DRG-01: more than one can take, and the refills and courses that look like it."""

from functools import partial
from typing import Any

import pytest

from tests.central.analysis import Row, World, refund, settlement
from tests.central.rules.lines import OTHER, china, item, keys, line

world = partial(World, only=["DRG-01"])
FOUND = ["PSN-1/amlodipine"]


def bought(*purchases: tuple[float, int], **changes: Any) -> tuple[list[Row], list[Row]]:
    """Bills of one person on these days of January with so many days of supply."""
    billed, lines = [], []
    for number, (day, days) in enumerate(purchases):
        at = china(int(day), 8 + round((day % 1) * 10))
        billed.append(settlement(number, **{"psn_no": "PSN-1", "setl_time": at, "med_type": "11"} | changes))
        lines.append(line(number, prd_days=days))
    return billed, lines


def found(billed: list[Row], lines: list[Row], items: Any = None) -> list[str]:
    return keys(world(billed, [], details=lines, items=[item()] if items is None else items).suspicions("DRG-01"))


def test_three_weeks_of_a_drug_in_a_day_are_suspected() -> None:
    billed, lines = bought((5, 7), (5.1, 7), (5.2, 7))
    (suspicion,) = world(billed, [], details=lines, items=[item()]).suspicions("DRG-01")
    assert ([suspicion.subject_key], suspicion.sev_deg, suspicion.psn_no) == (FOUND, "med", "PSN-1")
    assert suspicion.vola_amt == 20, "what was bought too much"
    assert suspicion.vola_evid["setl_ids"] == ["S-0", "S-1", "S-2"]
    assert "共21日用量" in suspicion.vola_cont
    assert "7日处方量加7日结转" in suspicion.vola_cont
    assert "a prescription of 7 days and 7 days left over" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("purchases", "suspected"),
    [
        (((5, 7), (5.1, 7)), False),
        (((1, 7), (7, 7), (13, 7), (19, 7), (25, 7)), False),
        (((1, 28), (22, 28)), False),
        (((1, 28), (21, 28)), True),
        (((1, 84),), False),
        (((1, 91),), False),
        (((1, 92),), True),
        (((1, 84), (8, 84)), True),
        (((1, 28), (2, 7)), False),
        (((1, 7), (2, 28)), False),
        (((1, 28), (2, 7), (2.1, 7)), True),
    ],
    ids=[
        "two weeks",
        "weekly refills",
        "a week early",
        "a day earlier",
        "a quarter",
        "with carry",
        "more",
        "two quarters",
        "top-up",
        "change",
        "hoard",
    ],
)
def test_supply_on_hand_against_the_prescription(purchases: Any, suspected: bool) -> None:
    assert bool(found(*bought(*purchases))) is suspected


def test_what_the_register_allows_goes_first() -> None:
    billed, lines = bought((1, 28), (1.1, 28))
    assert found(billed, lines, [item(most_days=56)]) == []
    assert found(*bought((1, 28)), [item(most_days=14)]) == FOUND


def test_two_strengths_in_one_bill_are_one_course_and_two_drugs_are_two() -> None:
    billed, lines = bought((1, 28))
    second = line(0, feedetl_sn="2", med_list_codg="XA2", prd_days=28)
    assert found(billed, [*lines, second], [item(), item(med_list_codg="XA2")]) == []
    billed, lines = bought((1, 28), (1.1, 28))
    lines[1]["med_list_codg"] = "XA2"
    assert found(billed, lines, [item(), item(med_list_codg="XA2")]) == FOUND
    assert found(billed, lines, [item(), item(med_list_codg="XA2", ingredient="aspirin")]) == []


def test_institutions_are_added_up_and_the_last_one_is_named() -> None:
    billed, lines = bought((5, 7), (5.1, 7), (5.2, 7))
    billed[2]["fixmedins_code"] = lines[2]["fixmedins_code"] = OTHER
    (suspicion,) = world(billed, [], details=lines, items=[item()]).suspicions("DRG-01")
    assert suspicion.fixmedins_code == OTHER
    assert suspicion.vola_evid["seen"]["sites"] == 2


def test_returns_are_deducted() -> None:
    billed, lines = bought((5, 7), (5.1, 7), (5.2, 7))
    back = refund(9, of=1, psn_no="PSN-1")
    part = refund(9, of=1, fen=500, psn_no="PSN-1")
    assert found([*billed, back], lines) == []
    assert found([*billed, part], [*lines, line(9, cnt=-1000)]) == []
    assert found([*billed, part], [*lines, line(9, cnt=-1000, med_list_codg="XB9")]) == FOUND
    assert found([*billed, refund(9, of=77, psn_no="PSN-1")], [*lines, line(9, cnt=-1000)]) == [], "it could be any of them"


@pytest.mark.parametrize("days", [None, 0])
def test_what_is_not_known_says_nothing(days: int | None) -> None:
    billed, lines = bought((5, 7), (5.1, 7), (5.2, 7))
    assert found(billed, [row | {"prd_days": days} for row in lines]) == []
    assert found(billed, lines, []) == []
    assert found(billed, lines, [item(ingredient=None)]) == []


def test_stays_are_left_out() -> None:
    assert found(*bought((5, 28), (5.1, 28), med_type="21")) == []


def test_a_person_with_ten_thousand_purchases_is_bounded() -> None:
    billed, lines = bought(*[(5, 7)] * 10_000)
    (suspicion,) = world(billed, [], details=lines, items=[item()]).suspicions("DRG-01")
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
    assert suspicion.vola_evid["seen"]["on_hand_days"] == 70_000
