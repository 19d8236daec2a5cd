"""Times of the national interface."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from edge_agent.china_time import parse, write


def test_times_are_those_of_shanghai() -> None:
    assert parse("2026-01-02 09:30:21") == datetime(2026, 1, 2, 1, 30, 21, tzinfo=UTC)
    assert write(datetime(2026, 1, 2, 1, 30, 21, tzinfo=UTC)) == "2026-01-02 09:30:21"


def test_aware_times_pass_through() -> None:
    assert parse(datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1)))) == datetime(2026, 1, 2, 2, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "2026-1-2 9:30:21", "2026-01-02T09:30:21", "2026-13-01 00:00:00", None, 5, datetime(2026, 1, 2)])  # noqa: DTZ001
def test_other_forms_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"yyyy|does not match|unconverted"):
        parse(text)
