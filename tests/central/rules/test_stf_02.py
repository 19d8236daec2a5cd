"""STF-02: staff who settle at their own pharmacy all the time, and those who simply buy there."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from central.rules.base import Suspicion
from tests.central.analysis import NOON, SITE, World, refund, settlement
from tests.central.rules.test_pr_02 import clerk

world = partial(World, only=["STF-02"])

DAY = timedelta(days=1)


def suspicions(number: int, gap: timedelta = DAY, *more: Any, staff: Any = None, **changes: Any) -> list[Suspicion]:
    """So many own settlements of a clerk, each so long after the one before."""
    billed = [settlement(n, **{"psn_no": "CLERK", "setl_time": NOON + (n - 1) * gap} | changes) for n in range(1, number + 1)]
    return world([*billed, *more], [], staff=[clerk("CLERK")] if staff is None else staff).suspicions("STF-02")


def test_five_days_in_a_month_are_told() -> None:
    (suspicion,) = suspicions(5)
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (f"CLERK/{SITE}", "CLERK", "low")
    for said in ("5笔", "分布在5天", "30日内超过4天", "本身合法"):
        assert said in suspicion.vola_cont
    assert "on 5 days" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("number", "gap", "found"),
    [(4, DAY, 0), (5, 4 * DAY, 1), (5, timedelta(days=7, hours=12), 0), (20, timedelta(minutes=1), 0)],
    ids=["four", "five in sixteen days", "five while employed not within thirty", "twenty bills of one purchase"],
)
def test_a_day_counts_once_and_the_span_holds(number: int, gap: timedelta, found: int) -> None:
    assert len(suspicions(number, gap)) == found


@pytest.mark.parametrize(
    ("changes", "staff"),
    [
        ({"fixmedins_code": "H11010000001"}, [clerk("CLERK", fixmedins_code="H11010000001")]),
        ({"med_type": "1401"}, None),
        ({"psn_no": "CUSTOMER"}, None),
        ({}, [clerk("CLERK", fixmedins_code="P00000000009")]),
        ({}, [clerk(None)]),
        ({}, [clerk("CLERK", valid_to=NOON)]),
        ({}, []),
    ],
    ids=["a hospital", "chronic disease", "a customer", "works elsewhere", "number not known", "had left", "no register"],
)
def test_everybody_else_is_not(changes: dict[str, Any], staff: Any) -> None:
    assert suspicions(6, DAY, staff=staff, **changes) == []


def test_refunds_are_netted_and_a_bill_without_type_counts() -> None:
    assert suspicions(5, DAY, refund(9, of=3, psn_no="CLERK")) == []
    assert len(suspicions(5, med_type=None)) == 1


def test_a_person_with_ten_thousand_settlements_is_bounded() -> None:
    (suspicion,) = suspicions(10_000, timedelta(minutes=10))
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
