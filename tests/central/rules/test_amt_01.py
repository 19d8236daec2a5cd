"""AMT-01: many small bills and hardly a face, and the busy counters that look like it."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import NOON, SITE, Row, World, capture, proxy, refund, settlement
from tests.central.rules.lines import china, keys

world = partial(World, only=["AMT-01"])
WATCHED = [{"fixmedins_code": SITE, "kind": "P", "watched_from": china(1)}]
HOUR_SEEN = {"device_id": "t1", "fixmedins_code": SITE, "window": "W1", "role": "window", "since": china(14, 12), "until": china(14, 13)}
CLEAR = HOUR_SEEN | {"seen_us": 3_600_000_000, "covered_us": 0, "failed_us": 0}


def series(number: int = 6, gap: timedelta = timedelta(minutes=3), faces: int = 1, **changes: Any) -> tuple[list[Row], list[Row]]:
    """Small bills of different persons so far apart, seen with so many faces that are nobody's own."""
    billed, seen = [], []
    for n in range(number):
        at = NOON + n * gap
        billed.append(settlement(n, setl_time=at, medfee_sumamt=150, fund_pay_sumamt=150, acct_pay=0))
        face = {"outcome": "undecided", "face_group": n % faces if faces else None, "face_band": "same"}
        seen.append(capture(n, **face | {"opened_at": at, "closed_at": at} | changes))
    return billed, seen


def unseen(number: int = 6, coverage: Any = (CLEAR,), sites: Any = WATCHED, dev_no: str | None = "D1", known: Any = True) -> list[str]:
    """The same without captures, at a till whose later bill (after that hour) is seen."""
    billed, _ = series(number)
    later = NOON + timedelta(hours=3)
    billed = [row | {"dev_no": dev_no} for row in billed] + [settlement(99, setl_time=later, dev_no="D1" if known else "D2")]
    seen = [capture(99, opened_at=later, closed_at=later)]
    return keys(world(billed, seen, coverage=coverage, sites=sites).suspicions("AMT-01"))


def found(billed: list[Row], seen: list[Row], **registers: Any) -> list[str]:
    return keys(world(billed, seen, **registers).suspicions("AMT-01"))


FAULT = {"camera_fault": True}
DAY = ["P99999900001/20467"]


def test_six_small_bills_with_one_face_are_suspected() -> None:
    (suspicion,) = world(*series()).suspicions("AMT-01")
    assert ([suspicion.subject_key], suspicion.sev_deg, suspicion.psn_no) == (DAY, "high", None)
    assert suspicion.vola_evid["setl_ids"] == [f"S-{n}" for n in range(6)]
    assert len(suspicion.vola_evid["capture_ids"]) == len(suspicion.vola_evid["psn_nos"]) == 6
    assert suspicion.vola_amt == 9
    for said in ("6名参保人", "50.00元", "仅见1张", "15分钟内"):
        assert said in suspicion.vola_cont
    assert "1 different faces" in suspicion.vola_cont_en


@pytest.mark.parametrize(("number", "faces", "suspected"), [(5, 1, False), (6, 2, True), (6, 3, False), (7, 2, True)])
def test_how_many_persons_and_faces(number: int, faces: int, suspected: bool) -> None:
    assert bool(found(*series(number, faces=faces))) is suspected


@pytest.mark.parametrize(("gap", "suspected"), [(timedelta(minutes=3), True), (timedelta(minutes=3, seconds=1), False)])
def test_how_fast(gap: timedelta, suspected: bool) -> None:
    assert bool(found(*series(6, gap))) is suspected


@pytest.mark.parametrize(("fee", "suspected"), [(5000, True), (5001, False), (0, False)])
def test_how_small(fee: int, suspected: bool) -> None:
    billed, seen = series()
    assert bool(found([row | {"medfee_sumamt": fee} for row in billed], seen)) is suspected


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": "same"},
        {"outcome": "manual_verified"},
        {"outcome": "blind"},
        {"face_group": None},
        {"face_band": "doubtful"},
        {"camera_fault": True},
    ],
    ids=["recognised", "by hand", "blind", "face not known", "doubtful", "camera failed"],
)
def test_a_busy_counter_with_real_people_is_not(changes: Row) -> None:
    assert found(*series(**changes)) == []


def test_nobody_in_the_picture_is_no_face() -> None:
    assert found(*series(outcome="no_person", face_group=None, face_band=None)) == DAY


def test_recognised_people_in_between_do_not_hide_the_others() -> None:
    billed, seen = series()
    own = [settlement(50 + n, setl_time=NOON + timedelta(minutes=n), medfee_sumamt=100) for n in range(5)]
    theirs = [capture(50 + n, opened_at=row["setl_time"], closed_at=row["setl_time"]) for n, row in enumerate(own)]
    assert found(billed + own, seen + theirs) == DAY


def test_one_person_with_many_bills_counts_once() -> None:
    billed, seen = series(8)
    assert found([row | {"psn_no": "PSN-0"} for row in billed], [row | {"psn_no": "PSN-0"} for row in seen]) == []


def test_refunds_proxies_and_exempt_persons_are_left_out() -> None:
    billed, seen = series()
    assert found([*billed, refund(9, of=3, fen=150)], seen) == []
    assert found(billed, seen, proxies=[proxy("PSN-2", "PSN-X")]) == []
    assert found(billed, seen, exemptions=[{"psn_no": "PSN-2", "valid_from": china(1), "valid_to": china(30)}]) == []


def test_bills_without_capture_count_where_windows_saw_everything_else() -> None:
    assert unseen() == DAY
    assert unseen(5) == []
    assert unseen(dev_no=None) == [], "no bill of an unnamed till was seen"


@pytest.mark.parametrize(
    "changes",
    [
        {"coverage": []},
        {"coverage": [CLEAR | {"seen_us": 3_000_000_000}]},
        {"known": False},
    ],
    ids=["agent did not run", "camera away for a while", "a till without window"],
)
def test_a_missing_capture_that_may_be_missing_is_not(changes: Row) -> None:
    assert unseen(**changes) == []


def test_one_camera_of_two_that_failed_excuses() -> None:
    assert unseen(coverage=[CLEAR, CLEAR | {"device_id": "t2", "window": "W2", "seen_us": 0}]) == []


def test_twenty_thousand_in_a_day_are_one_bounded_finding() -> None:
    billed, seen = series(20_000, timedelta(seconds=1))
    (suspicion,) = world(billed, seen).suspicions("AMT-01")
    assert suspicion.vola_evid["seen"]["bills"] == 20_000
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
