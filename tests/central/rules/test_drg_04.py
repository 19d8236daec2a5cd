"""DRG-04: more billed than there was, and the books that run late."""

from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, Row, World, refund, settlement
from tests.central.rules.lines import china, keys, line

world = partial(World, only=["DRG-04"])
FOUND = ["P99999900001/XA1-20454"]


def move(movement: str, packs: int, day: int = 1, hour: int = 8, **changes: Any) -> Row:
    return {
        "fixmedins_code": SITE,
        "med_list_codg": "XA1",
        "moved_at": china(day, hour),
        "movement": movement,
        "cnt": packs * 1000,
    } | changes


def sold(packs: int, day: int = 14, number: int = 1, **changes: Any) -> tuple[Row, Row]:
    return settlement(number, setl_time=china(day)), line(number, cnt=packs * 1000, **changes)


def found(stock: list[Row], *sales: tuple[Row, Row], extra: Any = (), lines: Any = ()) -> list[str]:
    billed, details = [bill for bill, _ in sales], [row for _, row in sales]
    return keys(world([*billed, *extra], [], details=[*details, *lines], stock=stock).suspicions("DRG-04"))


def test_more_billed_than_there_was_is_suspected() -> None:
    stock = [move("opening", 10), move("purchase", 10, 5), move("return", 5, 6)]
    bill, row = sold(30)
    (suspicion,) = world([bill], [], details=[row | {"inscp_amt": 30_00}], stock=stock).suspicions("DRG-04")
    assert ([suspicion.subject_key], suspicion.sev_deg, suspicion.psn_no) == (FOUND, "med", None)
    assert suspicion.vola_amt == 15, "half of it had never been there"
    assert suspicion.vola_evid["setl_ids"] == ["S-1"]
    assert suspicion.vola_evid["psn_nos"] == []
    assert "共销售30，而期初库存加购进减退货仅15，多出15" in suspicion.vola_cont
    assert "15 too many" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("there", "billed", "suspected"), [(10, 13, False), (10, 14, True), (100, 105, False), (100, 106, True), (0, 4, True)]
)
def test_counting_noise_is_not(there: int, billed: int, suspected: bool) -> None:
    assert bool(found([move("opening", there)], sold(billed))) is suspected


def test_without_a_stock_taking_nothing_is_said() -> None:
    assert found([move("purchase", 1)], sold(30)) == []
    assert found([move("opening", 1, med_list_codg="XB")], sold(30)) == []
    assert found([], sold(30)) == []
    assert found([move("opening", 1, 20)], sold(30, 14)) == [], "sold before the stock was taken"


def test_what_is_booked_late_counts_and_what_was_lost_is_not_deducted() -> None:
    assert found([move("opening", 10), move("purchase", 20, 25)], sold(30, 14)) == []
    assert found([move("opening", 30), move("loss", 20, 5)], sold(30)) == []


def test_shelves_counted_on_one_day_are_one_stock_taking() -> None:
    assert found([move("opening", 15), move("opening", 15, hour=17)], sold(30)) == []


def test_each_stock_taking_begins_anew() -> None:
    stock = [move("opening", 100), move("opening", 2, 10)]
    assert found(stock, sold(50, 5), sold(3, 14, number=2)) == []
    assert found(stock, sold(50, 5), sold(30, 14, number=2)) == ["P99999900001/XA1-20463"]
    assert found(stock, sold(150, 5), sold(1, 14, number=2)) == FOUND


def test_long_after_the_last_word_nothing_is_said() -> None:
    assert found([move("opening", 10)], sold(30, 30)) == FOUND
    assert found([move("opening", 10)], sold(30, 32)) == []


def test_returns_parts_and_unknown_quantities_are_left_out() -> None:
    stock = [move("opening", 10)]
    assert found(stock, sold(30), extra=[refund(9, of=1)]) == []
    assert found(stock, sold(30), extra=[refund(9, of=1, fen=100)], lines=[line(9, cnt=-20_000)]) == []
    assert found(stock, sold(30, trdn_flag=1)) == []
    bill, row = sold(30)
    assert found(stock, (bill, row | {"cnt": None})) == []


def test_two_thousand_sales_are_one_bounded_finding() -> None:
    billed, details = [settlement(n, setl_time=china(14)) for n in range(2000)], [line(n) for n in range(2000)]
    (suspicion,) = world(billed, [], details=details, stock=[move("opening", 1)]).suspicions("DRG-04")
    assert suspicion.vola_evid["seen"]["billed"] == 2_000_000
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
