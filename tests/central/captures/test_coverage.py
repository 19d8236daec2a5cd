"""What a day of a window adds up to, and the time in which nobody watched."""

from datetime import UTC, date, datetime, timedelta

import pytest

from central.captures.coverage import Hour, day_bounds, days
from central.china import CHINA
from central.devices.model import Post
from central.errors import BadInput

DAY = date(2026, 1, 2)
START = datetime(2026, 1, 2, tzinfo=CHINA)
NOW = START + timedelta(hours=12, minutes=40)
POST = Post(device_id="t1", window="W1", enrolled_at=START - timedelta(days=9), revoked_at=None)


def row(hour: float, *, seen_s: float = 3600, blind: dict[str, float] | None = None, window: str = "W1") -> dict[str, object]:
    since = (START + timedelta(hours=hour)).astimezone(UTC)
    told = [{"cause": cause, "seconds": seconds} for cause, seconds in (blind or {}).items()]
    return {"device_id": "t1", "window": window, "since": since, "seen_s": seen_s, "blind": told, "people": None}


def test_a_day_in_china_is_not_one_in_utc() -> None:
    assert day_bounds(DAY)[0].astimezone(UTC) == datetime(2026, 1, 1, 16, tzinfo=UTC)


def test_seen_blind_and_unwatched_are_the_whole_time_that_is_due() -> None:
    rows = [row(hour) for hour in range(8)] + [
        row(8, seen_s=1800, blind={"frozen": 600, "dark": 1200}),
        row(9, seen_s=0, blind={"dark": 3600}),
    ]
    (day,) = days([POST], rows, DAY, now=NOW)
    assert day.seen_s + sum(day.blind_s.values()) + day.unwatched_s == day.expected_s == 12 * 3600
    assert (day.blind_s, list(day.blind_s), day.unwatched_s) == ({"dark": 4800, "frozen": 600}, ["dark", "frozen"], 2 * 3600)
    assert day.hours == (Hour.SEEN,) * 8 + (Hour.PARTLY, Hour.BLIND) + (Hour.UNWATCHED,) * 2 + (Hour.NOT_DUE,) * 12


def test_a_window_that_told_nothing_was_watched_by_nobody() -> None:
    (day,) = days([POST], [], DAY, now=NOW)
    assert (day.seen_s, day.unwatched_s, set(day.hours)) == (0, 12 * 3600, {Hour.UNWATCHED, Hour.NOT_DUE})


def test_the_hour_that_runs_is_not_due_yet() -> None:
    (day,) = days([POST], [row(12, seen_s=1200)], DAY, now=NOW)
    assert (day.seen_s, day.unwatched_s, day.hours[12]) == (0, 12 * 3600, Hour.NOT_DUE)
    (day,) = days([POST], [row(12, seen_s=1200)], DAY, now=NOW + timedelta(hours=1))
    assert (day.seen_s, day.hours[12]) == (1200, Hour.PARTLY)


@pytest.mark.parametrize(
    ("enrolled", "revoked", "expected_h"),
    [(timedelta(hours=10), None, 2), (timedelta(hours=2), timedelta(hours=5), 3), (timedelta(hours=12, minutes=10), None, 0)],
)
def test_nothing_is_due_before_enrolment_or_after_the_end(enrolled: timedelta, revoked: timedelta | None, expected_h: float) -> None:
    post = Post(device_id="t1", window="W1", enrolled_at=START + enrolled, revoked_at=None if revoked is None else START + revoked)
    (day,) = days([post], [], DAY, now=NOW)
    assert (day.expected_s, day.unwatched_s) == (expected_h * 3600, expected_h * 3600)


def test_days_without_the_device_do_not_name_it() -> None:
    later = Post(device_id="t1", window="W1", enrolled_at=NOW + timedelta(days=3), revoked_at=None)
    gone = Post(device_id="t1", window="W1", enrolled_at=START - timedelta(days=9), revoked_at=START - timedelta(days=1))
    assert days([later], [], DAY, now=NOW + timedelta(days=4)) == []
    assert days([gone], [], DAY, now=NOW) == []


def test_a_window_that_is_not_registered_is_shown_with_what_it_told() -> None:
    found = days([POST], [row(3, window="W7")], DAY, now=NOW)
    assert [(each.window, each.seen_s) for each in found] == [("W1", 0), ("W7", 3600)]


def test_a_day_to_come_is_empty() -> None:
    assert days([POST], [], DAY + timedelta(days=1), now=NOW) == []


def test_counted_people_add_up_but_the_most_at_once_does_not() -> None:
    rows = [row(8), row(9)]
    rows[0]["people"] = {"role": "window", "entered": 5, "stayed": 3, "most_at_once": 2}
    rows[1]["people"] = {"role": "window", "entered": 1, "stayed": 1, "most_at_once": 1}
    (day,) = days([POST], rows, DAY, now=NOW)
    assert day.people is not None
    assert (day.people.entered, day.people.stayed, day.people.most_at_once) == (6, 4, 2)


def test_what_was_told_counts_though_the_device_was_registered_later() -> None:
    post = Post(device_id="t1", window="W1", enrolled_at=START + timedelta(hours=10, minutes=30), revoked_at=None)
    (day,) = days([post], [row(9)], DAY, now=NOW)
    assert (day.expected_s, day.seen_s, day.unwatched_s, day.hours[9]) == (3 * 3600, 3600, 2 * 3600, Hour.SEEN)


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1999, 12, 31), date(2100, 1, 1), date(9999, 12, 31)])
def test_no_impossible_day(day: date) -> None:
    with pytest.raises(BadInput):
        day_bounds(day)
