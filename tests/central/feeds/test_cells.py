"""Single cells and single rows: what is read, what is refused, and with which words."""

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.db import to_micros
from central.feeds import canonical, reading
from central.feeds.claims import claims
from central.feeds.datasets import site_code
from central.feeds.files import look_at
from central.feeds.model import Fault, Spec, shown
from tests.central.claims.files import row

SITE = site_code(r"[A-Z]?[0-9]{11}")
CLAIMS = claims(SITE, earliest=date(2000, 1, 1), latest=datetime(2026, 1, 3, tzinfo=UTC))
DIGESTED = (*(column.name for column in CLAIMS.columns if column.name not in {"vali_flag", "received_at"}),)
Read = Callable[..., dict[str, Any] | list[Fault]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """One claim row with some cells different, read as a file is."""

    def read(spec: Spec = CLAIMS, **changes: str) -> dict[str, Any] | list[Fault]:
        path = tmp_path / "claims.csv"
        cells = row(**changes)
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            csv.writer(file).writerows([list(cells), list(cells.values())])
        (batch,) = reading.read(look_at(path, spec), spec)
        return batch.rows.to_pylist()[0] if batch.rows.num_rows else list(batch.faults)

    return read


def test_a_valid_row_becomes_moments_in_utc_and_exact_money(read: Read) -> None:
    settlement = read()
    assert isinstance(settlement, dict)
    assert settlement["setl_time"] == to_micros(datetime(2026, 1, 2, 1, 30, 21, tzinfo=UTC))
    assert settlement["medfee_sumamt"] == 3850
    assert settlement["init_setl_id"] is None


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
        ("fixmedins_name", "药" * 201, "has more than 200 characters"),
        ("fixmedins_name", "a\x00b", "holds control characters"),
        ("fixmedins_name", "药房a\udcffb", "holds bytes that are not in the file's encoding"),
    ],
)
def test_a_wrong_cell_is_named_with_line_column_value_and_reason(read: Read, column: str, value: str, message: str) -> None:
    faults = read(**{column: value})
    assert isinstance(faults, list)
    assert [(fault.line, fault.column) for fault in faults] == [(2, column)]
    assert message in faults[0].message
    assert len(faults[0].value) <= 80


def test_every_wrong_cell_of_a_row_is_named(read: Read) -> None:
    faults = read(setl_time="yesterday", medfee_sumamt="much", psn_no="")
    assert isinstance(faults, list)
    assert {fault.column for fault in faults} == {"setl_time", "medfee_sumamt", "psn_no"}


def test_the_last_credible_moment_and_the_first_credible_day_are_accepted(read: Read) -> None:
    assert isinstance(read(setl_time="2026-01-03 08:00:00"), dict)
    assert isinstance(read(setl_time="2000-01-01 00:00:00"), dict)


def test_a_refund_is_negative_and_only_a_refund(read: Read) -> None:
    amounts = {"medfee_sumamt": "-38.50", "fund_pay_sumamt": "-8.50", "acct_pay": "-30.00"}
    refund = read(refd_setl_flag="1", init_setl_id="S-0", **amounts)
    assert isinstance(refund, dict)
    assert refund["medfee_sumamt"] == -3850
    faults = read(**amounts)
    assert isinstance(faults, list)
    assert {fault.column for fault in faults} == {"medfee_sumamt", "fund_pay_sumamt", "acct_pay"}
    positive = read(refd_setl_flag="1")
    assert isinstance(positive, list)
    assert positive[0].column == "medfee_sumamt"


def test_a_stay_cannot_end_before_it_begins_and_days_are_read_too(read: Read) -> None:
    stay = read(begndate="2025-12-30", enddate="2026-01-02 08:00:00")
    assert isinstance(stay, dict)
    assert stay["begndate"] == to_micros(datetime(2025, 12, 29, 16, tzinfo=UTC))
    assert isinstance(read(begndate="2026-01-02", enddate="2026-01-01"), list)


def test_what_else_a_row_says_that_takes_back_does_not_matter(read: Read) -> None:
    assert isinstance(read(vali_flag="0", setl_time="2099-01-01 00:00:00", medfee_sumamt="-1"), dict)
    assert isinstance(read(vali_flag="1", setl_time="2099-01-01 00:00:00"), list)


def test_the_same_content_written_differently_has_the_same_digest(read: Read) -> None:
    ways = (read(), read(medfee_sumamt=" 38.5 ", psn_cash_pay="-0", refd_setl_flag=""), read(psn_no="PSN-2"))
    rows = pa.RecordBatch.from_pylist([each for each in ways if isinstance(each, dict)], schema=CLAIMS.schema)
    one, other, changed = canonical.digests(rows, CLAIMS, DIGESTED, ())
    assert one == other != changed


@pytest.mark.parametrize("number", ["110101199003071234", "11010119900307123X"])
def test_an_identity_number_that_strayed_into_a_column_is_masked(number: str) -> None:
    assert shown(f"x {number}") == f"x 110101********{number[-4:]}"
    assert shown("1" * 20) == "1" * 20, "a psn_no of twenty digits is none"


@given(st.text(max_size=300))
def test_any_text_can_be_shown(text: str) -> None:
    assert len(shown(text)) <= 80
    shown(text).encode("utf-8")


def test_a_pattern_for_institutions_can_be_configured(read: Read) -> None:
    digits_only = claims(site_code(r"[0-9]{11}"), earliest=date(2000, 1, 1), latest=datetime(2026, 1, 3, tzinfo=UTC))
    assert isinstance(read(digits_only), list)
    assert isinstance(read(digits_only, fixmedins_code="99999900001"), dict)
