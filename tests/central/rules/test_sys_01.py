"""SYS-01: settlements behind a covered camera, told from cameras that failed and agents that did not run."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from central.rules.base import Suspicion
from tests.central.analysis import NOON, SITE, Row, World, capture, refund, settlement

world = partial(World, only=["SYS-01"])

MINUTE_US = 60_000_000
COVERED = {
    "device_id": "t1",
    "fixmedins_code": SITE,
    "window": "W1",
    "role": "window",
    "since": NOON,
    "until": NOON + timedelta(hours=1),
    "seen_us": 20 * MINUTE_US,
    "covered_us": 40 * MINUTE_US,
    "failed_us": 0,
}
BLIND = {"outcome": "blind", "similarity": None, "frames_used": 0, "face_group": None, "face_band": None}
OPEN = {"fixmedins_code": SITE, "weekday": 3, "opens": 480, "closes": 1200}


def suspicions(number: int, *more: Row, hours: Any = (), sites: Any = (), seen: Any = None, **changes: Any) -> list[Suspicion]:
    """So many settlements with blind captures within the hour after noon."""
    billed = [settlement(n) for n in range(1, number + 1)]
    captured = [capture(n, **BLIND | (seen or {})) for n in range(1, number + 1)]
    coverage = [COVERED | changes]
    return world([*billed, *more], captured, coverage=coverage, hours=hours, sites=sites).suspicions("SYS-01")


def test_three_settlements_behind_a_covered_camera_are_told_with_minutes() -> None:
    (suspicion,) = suspicions(3, failed_us=5 * MINUTE_US)
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (f"{SITE}/t1:W1:20467", None, "med")
    assert suspicion.vola_evid["setl_ids"] == ["S-1", "S-2", "S-3"]
    assert suspicion.vola_evid["capture_ids"] == ["t1:1:1", "t1:1:2", "t1:1:3"]
    assert suspicion.vola_evid["psn_nos"] == [], "whoever settled did nothing"
    for said in ("40分钟", "另有故障5分钟", "3笔结算未能看见", "停机不算遮挡"):
        assert said in suspicion.vola_cont
    for said in ("for 40 minutes", "failed for 5 minutes", "3 settlements could not be seen"):
        assert said in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("number", "hours", "covered_minutes", "found"),
    [
        (2, [], 40, 0),
        (2, [OPEN], 40, 1),
        (1, [OPEN], 31, 1),
        (1, [OPEN], 30, 0),
        (0, [OPEN], 60, 0),
        (1, [OPEN | {"weekday": 4}], 40, 0),
        (1, [OPEN | {"opens": 721}], 40, 0),
        (1, [OPEN | {"closes": 780}], 40, 1),
        (1, [OPEN | {"closes": 779}], 40, 0),
        (1, [OPEN | {"closes": 700}, OPEN | {"opens": 720}], 40, 1),
    ],
    ids=["no hours", "hours", "above", "at", "nobody settled", "another day", "opens later", "closes then", "closes before", "lunch"],
)
def test_half_an_hour_in_business_hours_with_a_settlement_is_enough(number: int, hours: Any, covered_minutes: int, found: int) -> None:
    assert len(suspicions(number, hours=hours, covered_us=covered_minutes * MINUTE_US)) == found


@pytest.mark.parametrize(
    ("opens", "closes", "weekday", "found"),
    [
        (720, 120, 3, 1),
        (721, 120, 3, 0),
        (1200, 780, 2, 1),
        (1200, 779, 2, 0),
        (1200, 780, 3, 0),
        (600, 600, 3, 1),
        (None, 1200, 3, 0),
        (480, None, 3, 0),
    ],
    ids=["opens then", "opens later", "since yesterday", "closed before", "from tonight", "day and night", "no opening", "no closing"],
)
def test_business_hours_may_run_past_midnight(opens: int | None, closes: int | None, weekday: int, found: int) -> None:
    assert len(suspicions(1, hours=[OPEN | {"opens": opens, "closes": closes, "weekday": weekday}])) == found


def test_who_never_closes_is_always_in_business() -> None:
    assert len(suspicions(1, sites=[{"fixmedins_code": SITE, "always_open": True, "watched_from": NOON - timedelta(days=9)}])) == 1
    assert suspicions(1, sites=[{"fixmedins_code": SITE, "always_open": False, "watched_from": NOON - timedelta(days=9)}]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"covered_us": 0, "failed_us": 60 * MINUTE_US},
        {"covered_us": 0},
        {"covered_us": None},
        {"covered_us": 20 * MINUTE_US, "failed_us": 20 * MINUTE_US},
        {"covered_us": 59_000_000},
        {"role": "entrance"},
        {"window": "W2"},
        {"device_id": "t2"},
        {"since": NOON - timedelta(hours=1), "until": NOON},
    ],
    ids=[
        "failed",
        "nobody watched",
        "not said",
        "failed as long",
        "a customer's back",
        "entrance",
        "other window",
        "other device",
        "before",
    ],
)
def test_faults_and_other_windows_and_hours_are_not(changes: dict[str, Any]) -> None:
    assert suspicions(5, hours=[OPEN], **changes) == []


@pytest.mark.parametrize(
    "seen",
    [{"outcome": "manual_verified"}, {"outcome": "same"}, {"outcome": "undecided"}, {"distrusted": True}, {"voided": True}],
    ids=str,
)
def test_settlements_that_were_seen_or_checked_by_hand_are_not(seen: dict[str, Any]) -> None:
    assert suspicions(5, hours=[OPEN], seen=seen) == []


def test_refunded_settlements_do_not_count() -> None:
    assert suspicions(3, refund(9, of=2)) == []


def test_a_camera_that_failed_for_the_rest_of_an_hour_excuses_the_hour_however_often_the_agent_told() -> None:
    billed, seen = [settlement(n) for n in range(1, 5)], [capture(n, **BLIND) for n in range(1, 5)]
    half = timedelta(minutes=30)
    told = [
        COVERED | {"until": NOON + half, "covered_us": 2 * MINUTE_US},
        COVERED | {"since": NOON + half, "covered_us": 0, "failed_us": 9 * MINUTE_US},
    ]
    assert world(billed, seen, coverage=told).suspicions("SYS-01") == []
    assert len(world(billed, seen, coverage=told[:1]).suspicions("SYS-01")) == 1
