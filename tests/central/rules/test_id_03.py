"""ID-03: settlements that nobody saw or verified, and the reasons for which they need not be."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from central.rules.base import Suspicion
from tests.central.analysis import NOON, SITE, Row, World, capture, exemption, refund, settlement

world = partial(World, only=["ID-03"])

HOUR = timedelta(hours=1)
WATCHED = {"fixmedins_code": SITE, "kind": "P", "watched_from": NOON - timedelta(days=30)}
HOURLY = {"device_id": "t1", "fixmedins_code": SITE, "window": "W1", "role": "window", "seen_us": 3_600_000_000}


def coverage(*hours: int) -> list[Row]:
    """What the terminal told of these hours after noon."""
    return [HOURLY | {"since": NOON + n * HOUR, "until": NOON + (n + 1) * HOUR} for n in hours]


def suspicions(seen: int, unseen: int, *more: Row, captures: Any = (), **registers: Any) -> list[Suspicion]:
    """A day with so many settlements that a window saw, and so many that none did, minutes apart."""
    billed = [settlement(n) for n in range(seen + unseen)]
    captured = [capture(n) for n in range(seen)]
    given: dict[str, Any] = {"sites": [WATCHED], "coverage": coverage(*range(-2, 3))} | registers
    return world([*billed, *more], [*captured, *captures], **given).suspicions("ID-03")


def test_a_day_with_gaps_is_told_with_its_share_and_names_no_person() -> None:
    (suspicion,) = suspicions(27, 4)
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (f"{SITE}/20467", None, "low")
    assert suspicion.vola_evid["psn_nos"] == []
    assert suspicion.vola_evid["setl_ids"] == ["S-27", "S-28", "S-29", "S-30"]
    for said in ("4笔", "31笔", "12.9%", "超过10%为低", "超过30%为中"):
        assert said in suspicion.vola_cont
    assert "12.9 %" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("seen", "unseen", "severities"),
    [(27, 3, []), (26, 3, ["low"]), (7, 3, ["low"]), (6, 3, ["med"]), (0, 3, ["med"]), (0, 2, []), (0, 0, [])],
)
def test_the_limits_hold_at_their_edges(seen: int, unseen: int, severities: list[str]) -> None:
    assert [each.sev_deg for each in suspicions(seen, unseen)] == severities


@pytest.mark.parametrize("outcome", ["undecided", "different", "manual_verified", "proxy", "no_person"])
def test_whoever_was_seen_or_verified_is_no_gap(outcome: str) -> None:
    assert suspicions(0, 4, captures=[capture(n, outcome=outcome) for n in range(4)]) == []


def test_a_blind_window_is_told_apart_and_not_counted() -> None:
    (suspicion,) = suspicions(3, 8, captures=[capture(n, outcome="blind") for n in range(3, 8)])
    assert suspicion.vola_evid["seen"]["blind"] == 5
    assert suspicion.vola_evid["seen"]["verified"] == 3
    assert "窗口不可见的5笔" in suspicion.vola_cont
    assert suspicions(3, 5, captures=[capture(n, outcome="blind") for n in range(3, 8)]) == []


def test_captures_of_another_person_are_no_verification() -> None:
    (suspicion,) = suspicions(0, 3, captures=[capture(n, psn_no="X") for n in range(3)])
    assert suspicion.vola_evid["capture_ids"] == ["t1:1:0", "t1:1:1", "t1:1:2"]


def test_a_device_that_is_not_to_be_believed_and_sites_without_terminal_say_nothing() -> None:
    assert suspicions(0, 4, captures=[capture(n, distrusted=True) for n in range(4)]) == []
    assert suspicions(0, 4, sites=[WATCHED | {"watched_from": None}], coverage=[]) == []


def test_refunds_phones_self_service_stays_and_exempt_persons_are_left_out() -> None:
    assert suspicions(0, 3, refund(9, of=2)) == []
    assert suspicions(0, 3, places=[{"fixmedins_code": SITE, "setl_id": "S-1", "latitude": 31.0, "longitude": 118.0}]) == []
    assert suspicions(0, 2, settlement(9, opter_type="2")) == []
    assert suspicions(0, 2, settlement(9, med_type="21")) == []
    assert suspicions(0, 3, exemptions=[exemption("PSN-1")]) == []


def test_hours_in_which_no_terminal_watched_are_named() -> None:
    (suspicion,) = suspicions(0, 3)
    assert suspicion.vola_evid["seen"]["unwatched"] == 0
    (suspicion,) = suspicions(0, 3, settlement(50, setl_time=NOON - 5 * HOUR))
    assert suspicion.vola_evid["seen"]["unwatched"] == 1
    assert "其中1笔发生时终端没有值守记录" in suspicion.vola_cont


def test_days_are_days_in_china() -> None:
    late = [settlement(n, setl_time=NOON + 12 * HOUR - timedelta(seconds=n - 90)) for n in (90, 91)]
    told = coverage(*range(-2, 14))
    assert suspicions(0, 2, late[0], coverage=told) == [], "two at noon, and one at midnight"
    (suspicion,) = suspicions(0, 2, *late, coverage=told)
    assert suspicion.vola_evid["setl_ids"] == ["S-0", "S-1", "S-91"], "one second before midnight"


def test_what_terminals_have_not_told_of_yet_is_awaited() -> None:
    assert suspicions(0, 0, *(settlement(n, setl_time=NOON + 9 * HOUR) for n in range(5))) == []
