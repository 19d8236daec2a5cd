"""Months, and columns made of numbers."""

from datetime import datetime

import numpy as np
import pytest

from central.china import CHINA
from central.errors import BadInput
from scripts.simulating import columns
from scripts.simulating.month import DAY, HOUR, read_month


def test_a_month_begins_at_midnight_in_china() -> None:
    june = read_month("2026-06")
    assert (june.days, june.weekday) == (30, 1)
    assert datetime.fromtimestamp(june.start / 1e6, CHINA) == datetime(2026, 6, 1, tzinfo=CHINA)
    assert june.at(2, 90.5) == june.start + 2 * DAY + HOUR + 30 * 60_000_000 + 30_000_000
    assert (june.date(0), june.date(29), june.end - june.start) == ("2026-06-01", "2026-06-30", 30 * DAY)


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "26-06", "2026-6", "1999-12", "2026-06-01", "", "２０２６-06"])
def test_what_is_no_month_is_named(text: str) -> None:
    with pytest.raises(BadInput, match="month"):
        read_month(text)


def test_february_is_counted_by_the_calendar() -> None:
    assert (read_month("2024-02").days, read_month("2026-02").days) == (29, 28)


def test_every_person_has_one_number_and_one_face() -> None:
    index = np.concatenate([np.arange(100_000), (5 << 36) + np.arange(100_000), (2 << 36) + np.arange(100_000)]).astype(np.int64)
    assert len(columns.person(index).unique()) == len(index) == len(np.unique(columns.face(index)))
    assert columns.face(index).min() >= 0
    assert {len(text) for text in columns.person(index[:1000]).to_pylist()} == {20}


def test_the_end_of_a_msgid_says_china_s_time() -> None:
    june = read_month("2026-06")
    at = np.array([june.at(0, 0), june.at(29, 23 * 60 + 59.5)], np.int64)
    assert columns.stamp(june, at, np.array([1, 9999])).tolist() == [202606010000000001, 202606302359309999]


def test_numbers_are_padded_and_what_is_absent_is_null() -> None:
    assert columns.padded(np.array([0, 7, 99_999]), 5).to_pylist() == ["00000", "00007", "99999"]
    assert columns.where(np.array([True, False]), np.array([5, 6])).to_pylist() == [5, None]
    with pytest.raises(KeyError):
        columns.table("items", 1, no_such_column=1)
