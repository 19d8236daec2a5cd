"""How things are written."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from central.web import formats


@pytest.mark.parametrize(
    ("psn_no", "shown"),
    [
        (None, "—"),
        ("", ""),
        ("A", "A"),
        ("12345678901234", "123*******1234"),
        ("43000000000000001101", "430*************1101"),
        ("PSN-1", "P****"),
        ("1234567890123", "1************"),
    ],
)
def test_masking_hides_at_least_half(psn_no: str | None, shown: str) -> None:
    assert formats.masked(psn_no) == shown
    assert psn_no is None or len(psn_no) < 2 or shown.count("*") >= len(psn_no) / 2


def test_times_are_written_in_china() -> None:
    moment = datetime(2026, 1, 1, 16, 30, 5, tzinfo=UTC)
    assert formats.moment(moment) == "2026-01-02 00:30:05"
    assert formats.machine_moment(moment) == "2026-01-02T00:30:05+08:00"
    assert formats.moment(None) == "—"


def test_money_counts_and_scores() -> None:
    assert formats.yuan(Decimal("-1234567.5")) == "-1,234,567.50"
    assert formats.yuan(None) == formats.score(None) == "—"
    assert formats.count(1234567) == "1,234,567"
    assert formats.score(0.21449) == "0.214"
