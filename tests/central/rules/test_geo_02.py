"""GEO-02: a bill elsewhere in the middle of a stay, unless the patient was allowed away or sent somebody."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from central.rules.base import Suspicion
from tests.central.analysis import NOON, SITE, Row, World, capture, proxy, refund, settlement

world = partial(World, only=["GEO-02"])

HOSPITAL = "H11010000001"
DAY = timedelta(days=1)
STAY = {"fixmedins_code": HOSPITAL, "mdtrt_id": "V1", "psn_no": "PSN-1", "admitted_at": NOON - 3 * DAY, "discharged_at": NOON + 3 * DAY}


def suspicions(
    *, stays: Any = (STAY,), leaves: Any = (), seen: Any = (), proxies: Any = (), more: Any = (), **changes: Any
) -> list[Suspicion]:
    """A pharmacy bill in the middle of a week in hospital."""
    return world([settlement(1, **changes), *more], seen, proxies, stays=stays, leaves=leaves).suspicions("GEO-02")


def leave(since: datetime, until: datetime | None, **changes: Any) -> Row:
    return {"fixmedins_code": HOSPITAL, "mdtrt_id": "V1", "leave_from": since, "leave_to": until, "reason": "leave"} | changes


def test_a_bill_in_the_middle_of_a_stay_is_suspected_with_the_stay() -> None:
    (suspicion,) = suspicions()
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (f"PSN-1/{SITE}:S-1", "PSN-1", "high")
    for said in (HOSPITAL, "2026-01-11 12:00:00入院", "2026-01-17 12:00:00出院", "没有请假、外检、转院记录", "没有能说明何人到场的画面"):
        assert said in suspicion.vola_cont
    for said in ("admitted 2026-01-11", "no leave, examination elsewhere or transfer"):
        assert said in suspicion.vola_cont_en


@pytest.mark.parametrize(("outcome", "said"), [("same", "识别为本人到场"), ("different", "不是本人"), ("undecided", "没有能说明")])
def test_what_the_window_saw_is_told(outcome: str, said: str) -> None:
    (suspicion,) = suspicions(seen=[capture(1, outcome=outcome)])
    assert said in suspicion.vola_cont
    assert suspicion.vola_evid["capture_ids"] == ["t1:1:1"]


@pytest.mark.parametrize(
    ("admitted", "discharged", "number"),
    [
        (NOON.replace(hour=15, minute=59) - DAY, NOON + 3 * DAY, 1),
        (NOON.replace(hour=16) - DAY, NOON + 3 * DAY, 0),
        (NOON - 3 * DAY, NOON.replace(hour=15, minute=59), 0),
        (NOON - 3 * DAY, NOON.replace(hour=16), 1),
        (NOON - 29 * DAY, None, 1),
        (NOON - 30 * DAY, None, 0),
    ],
    ids=["admitted yesterday", "admitted today", "discharged today", "discharged tomorrow", "open", "forgotten"],
)
def test_days_in_china_at_the_edges_do_not_count_and_open_stays_end(admitted: datetime, discharged: datetime | None, number: int) -> None:
    assert len(suspicions(stays=[STAY | {"admitted_at": admitted, "discharged_at": discharged}])) == number


def test_leave_of_that_day_excuses_for_whatever_reason() -> None:
    for reason in ("leave", "examination", "transfer"):
        assert suspicions(leaves=[leave(NOON - timedelta(hours=3), NOON - timedelta(hours=1), reason=reason)]) == []
    assert suspicions(leaves=[leave(NOON - DAY, None)]) == []
    assert len(suspicions(leaves=[leave(NOON - 2 * DAY, NOON - DAY)])) == 1
    assert len(suspicions(leaves=[leave(NOON - DAY, NOON + DAY, mdtrt_id="V2")])) == 1


def test_helpers_phones_stays_the_own_hospital_and_refunds_are_not() -> None:
    assert suspicions(proxies=[proxy("PSN-1", "SON")]) == []
    assert suspicions(opter_type="3") == []
    assert suspicions(med_type="21") == []
    assert suspicions(fixmedins_code=HOSPITAL) == []
    assert suspicions(psn_no="PSN-2") == []
    assert suspicions(more=[refund(2, of=1)]) == []


def test_a_stay_that_only_its_bill_tells_of_counts_and_one_that_is_registered_is_taken_from_there() -> None:
    bill = settlement(
        5,
        psn_no="PSN-1",
        fixmedins_code=HOSPITAL,
        med_type="21",
        mdtrt_id="V1",
        begndate=NOON - 2 * DAY,
        enddate=NOON + 2 * DAY,
        setl_time=NOON + 2 * DAY,
    )
    assert len(suspicions(stays=(), more=[bill])) == 1
    short = STAY | {"discharged_at": NOON - 2 * DAY}
    assert suspicions(stays=[short], more=[bill]) == []


def test_two_stays_at_a_time_make_one_suspicion() -> None:
    assert len(suspicions(stays=[STAY, STAY | {"mdtrt_id": "V2"}])) == 1
