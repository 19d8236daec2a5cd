"""PR-01: a settlement and nobody there, unless nothing could be seen."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import NOON, Row, World, capture, exemption, refund, settlement

world = partial(World, only=["PR-01"])

EMPTY = {"outcome": "no_person", "similarity": None, "persons": 0, "frames_used": 0, "face_group": None, "face_band": None}


def later(number: int, delay: timedelta, **changes: Any) -> tuple[Row, Row]:
    """A settlement with an empty window, so long after noon."""
    at = NOON + delay
    times = {"opened_at": at - timedelta(seconds=10), "closed_at": at}
    return settlement(number, setl_time=at, **changes), capture(number, **EMPTY, **times, **changes)


def severities(*pairs: tuple[Row, Row]) -> dict[str, str]:
    """sev_deg by subject."""
    suspected = world([billed for billed, _ in pairs], [seen for _, seen in pairs]).suspicions("PR-01")
    return {each.subject_key: each.sev_deg for each in suspected}


def test_an_empty_window_is_suspected_and_says_why() -> None:
    (suspicion,) = world([settlement(1)], [capture(1, **EMPTY)]).suspicions("PR-01")
    assert (suspicion.subject_key, suspicion.sev_deg) == ("P99999900001/S-1", "med")
    assert suspicion.vola_evid["seen"] == {"window": "W1", "frames_seen": 30, "repeated": 1}
    assert "未见任何人" in suspicion.vola_cont
    assert "代办人登记不能解释" in suspicion.vola_cont
    assert "nobody was in the picture" in suspicion.vola_cont_en


@pytest.mark.parametrize("outcome", ["blind", "undecided", "same", "different", "attack", "manual_verified", "proxy"])
def test_a_blind_window_and_any_other_outcome_are_not(outcome: str) -> None:
    assert world([settlement(1)], [capture(1, **EMPTY | {"outcome": outcome})]).suspicions("PR-01") == []


@pytest.mark.parametrize(("frames", "number"), [(4, 0), (5, 1)])
def test_from_too_few_frames_nothing_follows(frames: int, number: int) -> None:
    assert len(world([settlement(1)], [capture(1, **EMPTY | {"frames_seen": frames})]).suspicions("PR-01")) == number


def test_a_settlement_that_no_window_watched_or_that_was_taken_back_is_not() -> None:
    assert world([settlement(1)], []).suspicions("PR-01") == []
    assert world([settlement(1), refund(2, of=1)], [capture(1, **EMPTY)]).suspicions("PR-01") == []


@pytest.mark.parametrize(("delay", "severity"), [(timedelta(days=7), "high"), (timedelta(days=7, seconds=1), "med")])
def test_two_within_seven_days_at_a_site_are_grave_for_both(delay: timedelta, severity: str) -> None:
    assert set(severities(later(1, timedelta()), later(2, delay)).values()) == {severity}


def test_another_site_does_not_make_it_worse() -> None:
    assert set(severities(later(1, timedelta()), later(2, timedelta(), fixmedins_code="H11010000001")).values()) == {"med"}


def test_a_genuine_settlement_nearby_does_not_make_it_worse() -> None:
    genuine = (settlement(2), capture(2))
    assert severities(later(1, timedelta()), genuine) == {"P99999900001/S-1": "med"}


def test_a_camera_that_failed_for_a_while_and_a_person_who_does_not_use_the_face_are_not() -> None:
    assert world([settlement(1)], [capture(1, **EMPTY, camera_fault=True)]).suspicions("PR-01") == []
    assert world([settlement(1)], [capture(1, **EMPTY, distrusted=True)]).suspicions("PR-01") == []
    assert world([settlement(1)], [capture(1, **EMPTY)], exemptions=[exemption("PSN-1")]).suspicions("PR-01") == []
