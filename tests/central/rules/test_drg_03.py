"""DRG-03: a pack sold twice, and packs that come again by right."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import Row, World, capture, refund, settlement
from tests.central.rules.lines import OTHER, keys, line

world = partial(World, only=["DRG-03"])
PACK = "81234567890123456789"


def sold(*numbers: int, **changes: Any) -> list[Row]:
    return [line(number, drug_trac_codg=PACK, **changes) for number in numbers]


def found(details: list[Row], billed: Any = None) -> list[str]:
    return keys(world(billed or [settlement(1), settlement(2)], [], details=details).suspicions("DRG-03"))


def test_a_pack_sold_twice_is_suspected_for_what_came_after_the_first_sale() -> None:
    (suspicion,) = world([settlement(1), settlement(2)], [], details=sold(1, 2)).suspicions("DRG-03")
    assert (suspicion.subject_key, suspicion.sev_deg, suspicion.psn_no) == (f"{PACK}/sold", "high", None)
    assert suspicion.vola_amt == Decimal("20.00"), "the first sale is the pack's own"
    assert suspicion.vola_evid["setl_ids"] == ["S-1", "S-2"]
    assert PACK in suspicion.vola_cont
    assert "2 standing settlements" in suspicion.vola_cont_en


def test_the_gross_amount_stands_in_where_the_scope_is_not_known() -> None:
    (suspicion,) = world([settlement(1), settlement(2)], [], details=sold(1, 2, inscp_amt=None)).suspicions("DRG-03")
    assert suspicion.vola_amt == Decimal("38.50")


def test_at_two_institutions_the_later_one_is_named() -> None:
    billed = [settlement(1), settlement(2, fixmedins_code=OTHER)]
    details = [*sold(1), *sold(2, fixmedins_code=OTHER)]
    (suspicion,) = world(billed, [], details=details).suspicions("DRG-03")
    assert suspicion.fixmedins_code == OTHER
    assert suspicion.vola_evid["seen"]["sites"] == 2


def test_one_sale_and_two_lines_of_one_bill_are_not() -> None:
    assert found(sold(1)) == []
    assert found([*sold(1), *sold(1, feedetl_sn="2")]) == []


def test_a_pack_given_back_may_be_sold_again() -> None:
    back = refund(3, of=1)
    assert found(sold(1, 2), [settlement(1), settlement(2), back]) == []
    part = refund(3, of=1, fen=100)
    assert found([*sold(1, 2), *sold(3, cnt=-1000)], [settlement(1), settlement(2), part]) == []
    assert found(sold(1, 2), [settlement(1), settlement(2), part]) != [], "something else was given back"


def test_a_refund_without_known_original_may_have_been_of_this_pack() -> None:
    lost = refund(3, of=99, psn_no="PSN-1")
    assert found([*sold(1, 2), *sold(3, cnt=-1000)], [settlement(1), settlement(2), lost]) == []


def test_a_sale_returned_and_sold_twice_again_is() -> None:
    billed = [settlement(1), refund(3, of=1), settlement(2), settlement(4)]
    assert found(sold(1, 2, 4), billed) == [f"{PACK}/sold"]


@pytest.mark.parametrize(
    "changes",
    [
        {"trdn_flag": 1},
        {"cnt": 500},
        {"drug_trac_codg": "0000000000000000"},
        {"drug_trac_codg": "1234567"},
        {"drug_trac_codg": ""},
        {"drug_trac_codg": None},
    ],
    ids=["sold in parts", "two halves", "zeroes", "too short", "empty", "none"],
)
def test_parts_and_placeholders_are_not(changes: Row) -> None:
    assert found([row | changes for row in sold(1, 2)]) == []


def test_a_bill_that_the_till_took_back_is_not() -> None:
    assert world([settlement(1), settlement(2)], [capture(1, voided=True)], details=sold(1, 2)).suspicions("DRG-03") == []


def test_a_code_with_a_slash_keeps_its_subject_in_two_parts() -> None:
    details = [row | {"drug_trac_codg": "AB/CD/12345"} for row in sold(1, 2)]
    assert found(details) == ["AB_CD_12345/sold"]


def test_a_code_a_thousand_times_is_one_bounded_finding() -> None:
    numbers = range(3000)
    (suspicion,) = world([settlement(n) for n in numbers], [], details=sold(*numbers)).suspicions("DRG-03")
    assert suspicion.vola_evid["seen"]["bills"] == 3000
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
    assert suspicion.vola_amt == 2999 * Decimal("20.00")
