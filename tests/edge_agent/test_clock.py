"""The distance from the centre's clock."""

from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from pydantic import TypeAdapter

from contract.ids import Moment
from edge_agent import clock
from edge_agent.clock import OFFSET_SAMPLES, Offset, SystemClock

CENTRE = datetime(2026, 1, 2, tzinfo=UTC)


def test_nothing_is_known_before_the_first_receipt() -> None:
    assert Offset().ms is None


def test_the_fastest_receipt_is_nearest_to_the_truth() -> None:
    offset = Offset()
    for travel_ms in (400, 30, 2500):
        offset.add(ours=CENTRE + timedelta(milliseconds=5000 + travel_ms), centre=CENTRE)
    assert offset.ms == 5030


def test_old_samples_give_way() -> None:
    offset = Offset()
    offset.add(ours=CENTRE, centre=CENTRE + timedelta(seconds=9))
    for _ in range(OFFSET_SAMPLES):
        offset.add(ours=CENTRE, centre=CENTRE)
    assert offset.ms == 0


def test_a_clock_that_was_set_ahead_is_known_within_a_minute() -> None:
    offset = Offset()
    for second in range(0, 60, 20):
        offset.add(ours=CENTRE + timedelta(seconds=second), centre=CENTRE + timedelta(seconds=second))
    for second in range(60, 121, 20):
        offset.add(ours=CENTRE + timedelta(seconds=second + 3), centre=CENTRE + timedelta(seconds=second))
    assert offset.ms == 3000


def test_monotonic_time_does_not_go_back() -> None:
    clock = SystemClock()
    assert clock.mono_s() <= clock.mono_s()
    assert clock.now().utcoffset() == timedelta(0)


def test_a_clock_that_was_never_set_gives_a_time_that_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    class Waking(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Waking":
            return cls(1970, 1, 1, tzinfo=tz)

    monkeypatch.setattr(clock, "datetime", Waking)
    assert TypeAdapter(Moment).validate_python(SystemClock().now()) == datetime(2000, 1, 1, tzinfo=UTC)
