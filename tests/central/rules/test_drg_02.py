"""DRG-02: the same drug from many institutions, and those who had reason."""

from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, Row, World, capture, refund, settlement
from tests.central.rules.lines import OTHER, THIRD, china, item, keys, line

world = partial(World, only=["DRG-02"])
FOUND = ["PSN-1/amlodipine"]


def fetched(*places: tuple[str, int], **changes: Any) -> tuple[list[Row], list[Row]]:
    """Bills of one person at these institutions on these days, a month's supply each."""
    billed, lines = [], []
    for number, (site, day) in enumerate(places):
        billed.append(settlement(number, psn_no="PSN-1", setl_time=china(1 + day), fixmedins_code=site))
        lines.append(line(number, **{"fixmedins_code": site, "prd_days": 28} | changes))
    return billed, lines


def found(billed: list[Row], lines: list[Row], items: Any = None, seen: Any = ()) -> list[str]:
    return keys(world(billed, seen, details=lines, items=[item()] if items is None else items).suspicions("DRG-02"))


def three(last: int = 9, **changes: Any) -> tuple[list[Row], list[Row]]:
    return fetched((SITE, 0), (OTHER, 5), (THIRD, last), **changes)


def test_three_institutions_in_a_month_are_suspected() -> None:
    billed, lines = three()
    (suspicion,) = world(billed, [], details=lines, items=[item()]).suspicions("DRG-02")
    assert ([suspicion.subject_key], suspicion.sev_deg, suspicion.psn_no) == (FOUND, "med", "PSN-1")
    assert suspicion.vola_amt == 60
    assert suspicion.vola_evid["seen"]["recognised"] == 0
    assert "在3家机构3次配取同一药品（amlodipine），已申报用量合计84日" in suspicion.vola_cont
    assert "3 times at 3 institutions, 84 days of supply" in suspicion.vola_cont_en


@pytest.mark.parametrize(("last", "suspected"), [(29, True), (30, False)])
def test_within_thirty_days(last: int, suspected: bool) -> None:
    assert bool(found(*three(last))) is suspected


def test_two_institutions_however_often_are_not() -> None:
    assert found(*fetched(*[(site, day) for day in range(10) for site in (SITE, OTHER)])) == []


def test_a_chain_of_visits_is_judged_window_by_window() -> None:
    """Weekly at one place for months, and two others once, far apart."""
    weekly = [(SITE, 7 * week) for week in range(12)]
    assert found(*fetched(*weekly, (OTHER, 0), (THIRD, 70))) == []
    assert found(*fetched(*weekly, (OTHER, 60), (THIRD, 70))) == FOUND


@pytest.mark.parametrize(("days", "suspected"), [(12, False), (13, True), (None, True), (0, True)])
def test_no_more_than_one_can_take_is_no_dealing(days: int | None, suspected: bool) -> None:
    assert bool(found(*three(prd_days=days))) is suspected


def test_the_item_stands_in_for_an_unknown_ingredient_and_services_are_no_drugs() -> None:
    assert found(*three(), items=[]) == ["PSN-1/XA1"]
    assert found(*three(list_type="201"), items=[]) == []
    assert found(*three(list_type=None), items=[]) == []
    billed, lines = three()
    lines[2]["med_list_codg"] = "XA2"
    assert found(billed, lines) == []
    assert found(billed, lines, [item(), item(med_list_codg="XA2")]) == FOUND


def test_refunds_stays_and_other_persons_are_left_out() -> None:
    billed, lines = three()
    assert found([*billed, refund(9, of=2, fixmedins_code=THIRD)], lines) == []
    assert found([row | {"med_type": "21"} for row in billed], lines) == []
    assert found([row | {"psn_no": f"PSN-{n}"} for n, row in enumerate(billed)], lines) == []


def test_it_says_where_the_person_was_recognised() -> None:
    billed, lines = three()
    at = {"psn_no": "PSN-1", "opened_at": china(1), "closed_at": china(1)}
    (suspicion,) = world(billed, [capture(0, **at)], details=lines, items=[item()]).suspicions("DRG-02")
    assert suspicion.vola_evid["capture_ids"] == ["t1:1:0"]
    assert "1次窗口识别为本人" in suspicion.vola_cont


def test_a_person_with_ten_thousand_purchases_is_bounded() -> None:
    sites = [f"P{n:011d}" for n in range(100)]
    billed, lines = fetched(*[(sites[n % 100], n % 30) for n in range(10_000)])
    (suspicion,) = world(billed, [], details=lines, items=[item()]).suspicions("DRG-02")
    assert suspicion.vola_evid["seen"]["bills"] == 10_000
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
