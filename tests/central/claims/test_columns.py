"""Single cells and single rows: what is read, what is refused, and with which words."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.claims.columns import Span, columns, read_row, shown
from central.claims.model import Fault, Invalidated, Settlement
from tests.central.claims.files import row

WANTED = columns(r"[A-Z]?[0-9]{11}")
SPAN = Span(earliest=date(2000, 1, 1), latest=datetime(2026, 1, 3, tzinfo=UTC))


def read(**changes: str) -> Settlement | Invalidated | list[Fault]:
    return read_row(7, row(**changes), WANTED, SPAN)


def test_a_valid_row_becomes_a_settlement_in_utc_and_exact_money() -> None:
    settlement = read()
    assert isinstance(settlement, Settlement)
    assert settlement.setl_time == datetime(2026, 1, 2, 1, 30, 21, tzinfo=UTC)
    assert settlement.medfee_sumamt == Decimal("38.50")
    assert settlement.key == ("P99999900001", "S-1")
    assert settlement.init_setl_id is None
    assert settlement.sums_up()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("setl_id", "", "is empty but required"),
        ("setl_id", "S 1", "is not an id"),
        ("setl_id", "x" * 31, "is not an id"),
        ("psn_no", "'; drop table people; --", "is not an id"),
        ("fixmedins_code", "PX", "is not an institution code"),
        ("mdtrtarea_admvs", "9999", "is not a region"),
        ("setl_time", "2026-02-30 09:30:21", "does not exist in the calendar"),
        ("setl_time", "2026/01/02 09:30:21", "is not a time like"),
        ("setl_time", "1999-12-31 23:59:59", "lies before 2000-01-01"),
        ("setl_time", "2026-01-03 08:00:01", "lies in the future"),
        ("medfee_sumamt", "38.505", "is not an amount"),
        ("medfee_sumamt", "1e5", "is not an amount"),
        ("medfee_sumamt", "NaN", "is not an amount"),
        ("medfee_sumamt", "３８.50", "is not an amount"),
        ("medfee_sumamt", "1,000.00", "is not an amount"),
        ("medfee_sumamt", "9" * 15, "is not an amount"),
        ("medfee_sumamt", "10000000000.00", "is more than any settlement can be"),
        ("acct_pay", "-30.00", "is negative, which only a refund"),
        ("refd_setl_flag", "2", "is neither 0 nor 1"),
        ("fixmedins_name", "药" * 201, "has 201 characters"),
        ("fixmedins_name", "a\x00b", "holds control characters"),
        ("fixmedins_name", "a\udcffb", "holds bytes that are not in the file's encoding"),
    ],
)
def test_a_wrong_cell_is_named_with_line_column_value_and_reason(column: str, value: str, message: str) -> None:
    faults = read(**{column: value})
    assert isinstance(faults, list)
    assert [(fault.line, fault.column) for fault in faults] == [(7, column)]
    assert message in faults[0].message
    assert len(faults[0].value) <= 80


def test_every_wrong_cell_of_a_row_is_named() -> None:
    faults = read(setl_time="yesterday", medfee_sumamt="much", psn_no="")
    assert isinstance(faults, list)
    assert {fault.column for fault in faults} == {"setl_time", "medfee_sumamt", "psn_no"}


def test_the_last_credible_moment_and_the_first_credible_day_are_accepted() -> None:
    assert isinstance(read(setl_time="2026-01-03 08:00:00"), Settlement)
    assert isinstance(read(setl_time="2000-01-01 00:00:00"), Settlement)


def test_a_refund_is_negative_and_only_a_refund() -> None:
    amounts = {"medfee_sumamt": "-38.50", "fund_pay_sumamt": "-8.50", "acct_pay": "-30.00"}
    refund = read(refd_setl_flag="1", init_setl_id="S-0", **amounts)
    assert isinstance(refund, Settlement)
    assert refund.medfee_sumamt == Decimal("-38.50")
    faults = read(**amounts)
    assert isinstance(faults, list)
    assert {fault.column for fault in faults} == {"medfee_sumamt", "fund_pay_sumamt", "acct_pay"}
    positive = read(refd_setl_flag="1")
    assert isinstance(positive, list)
    assert positive[0].column == "medfee_sumamt"


def test_a_stay_cannot_end_before_it_begins_and_days_are_read_too() -> None:
    stay = read(begndate="2025-12-30", enddate="2026-01-02 08:00:00")
    assert isinstance(stay, Settlement)
    assert stay.begndate == datetime(2025, 12, 29, 16, tzinfo=UTC)
    assert isinstance(read(begndate="2026-01-02", enddate="2026-01-01"), list)


def test_vali_flag_0_invalidates_and_1_is_a_settlement() -> None:
    assert read(vali_flag="0") == Invalidated(fixmedins_code="P99999900001", setl_id="S-1")
    assert isinstance(read(vali_flag="1"), Settlement)


def test_the_same_content_written_differently_has_the_same_digest() -> None:
    one, other = read(), read(medfee_sumamt=" 38.5 ", psn_cash_pay="-0", refd_setl_flag="")
    assert isinstance(one, Settlement)
    assert isinstance(other, Settlement)
    assert one.digest() == other.digest()
    changed = read(psn_no="PSN-2")
    assert isinstance(changed, Settlement)
    assert changed.digest() != one.digest()


@pytest.mark.parametrize("number", ["110101199003071234", "11010119900307123X"])
def test_an_identity_number_that_strayed_into_a_column_is_masked(number: str) -> None:
    assert shown(f"x {number}") == f"x 110101********{number[-4:]}"
    assert shown("1" * 20) == "1" * 20, "a psn_no of twenty digits is none"


@given(st.text(max_size=300))
def test_any_text_can_be_shown(text: str) -> None:
    assert len(shown(text)) <= 80
    shown(text).encode("utf-8")


@given(st.dictionaries(st.sampled_from([column.name for column in WANTED]), st.text(max_size=40)))
def test_any_cells_give_a_settlement_or_faults_and_never_an_error(cells: dict[str, str]) -> None:
    result = read_row(2, row(**cells), WANTED, SPAN)
    assert isinstance(result, Settlement | Invalidated) or all(fault.message for fault in result)


def test_a_pattern_for_institutions_can_be_configured() -> None:
    digits_only = columns(r"[0-9]{11}")
    assert isinstance(read_row(2, row(), digits_only, SPAN), list)
    assert isinstance(read_row(2, row(fixmedins_code="99999900001"), digits_only, SPAN), Settlement)
