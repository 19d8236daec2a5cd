"""PR-02: only staff at the window, and all the ways in which an honest customer may have been there."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import NOON, SITE, Row, World, capture, exemption, proxy, refund, settlement

world = partial(World, only=["PR-02"])

STAFF_FACE = {"outcome": "undecided", "similarity": 0.2, "staff_face": True}


def clerk(psn_no: str | None, **changes: Any) -> Row:
    """A clerk of the pharmacy, employed all through the month."""
    span = {"valid_from": datetime(2026, 1, 1, tzinfo=UTC), "valid_to": datetime(2026, 2, 1, tzinfo=UTC)}
    return {"fixmedins_code": SITE, "psn_no": psn_no, "role": "clerk"} | span | changes


def found(*, staff: Any = (), proxies: Any = (), exemptions: Any = (), extra: Any = (), **changes: Any) -> list[str]:
    """Subjects suspected when one capture looks like this."""
    seen = [capture(1, **STAFF_FACE | changes)]
    suspected = world([settlement(1), *extra], seen, proxies, staff=staff, exemptions=exemptions).suspicions("PR-02")
    return [each.subject_key for each in suspected]


def test_a_window_with_only_staff_is_suspected_and_says_what_was_looked_up() -> None:
    (suspicion,) = world([settlement(1)], [capture(1, **STAFF_FACE)], staff=[clerk("PSN-77")]).suspicions("PR-02")
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (f"{SITE}/S-1", "PSN-1", "med")
    for said in ("2026-01-14 12:01:00", "仅有一人", "工作人员", "可用画面10帧", "不少于3帧", "没有有效的代办人", "7日内"):
        assert said in suspicion.vola_cont
    for said in ("the only person in view", "at least 3 required", "not on the staff", "no valid proxy"):
        assert said in suspicion.vola_cont_en


@pytest.mark.parametrize("outcome", ["same", "attack", "no_person", "blind", "manual_verified", "proxy"])
def test_no_other_outcome_is(outcome: str) -> None:
    assert found(outcome=outcome) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"persons": 2},
        {"persons": 0},
        {"staff_face": False},
        {"staff_face": None},
        {"frames_used": 2},
        {"camera_fault": True},
        {"distrusted": True},
        {"liveness": "attack"},
        {"manual_reason": "proxy", "proxy_psn_no": "PSN-5"},
    ],
    ids=str,
)
def test_where_somebody_else_may_have_been_there_it_is_not(changes: dict[str, Any]) -> None:
    assert found(**changes) == []


def test_a_clerk_who_buys_for_himself_is_not_suspected_while_he_works_there() -> None:
    assert found(staff=[clerk("PSN-1")]) == []
    assert found(staff=[clerk("PSN-1", valid_to=NOON)]) == [f"{SITE}/S-1"]
    assert found(staff=[clerk("PSN-1", fixmedins_code="P00000000009")]) == [f"{SITE}/S-1"]


def test_where_the_register_does_not_name_everybody_a_face_that_was_not_compared_accuses_nobody() -> None:
    unnamed = [clerk(None), clerk("PSN-77")]
    assert found(staff=unnamed, similarity=None) == []
    assert found(staff=unnamed) == [f"{SITE}/S-1"], "the window compared and did not recognise the insured person"
    assert found(staff=[clerk("PSN-77")], similarity=None) == [f"{SITE}/S-1"]


def test_a_proxy_and_an_exempt_person_are_not() -> None:
    assert found(proxies=[proxy("PSN-1", "PSN-77")]) == []
    assert found(exemptions=[exemption("PSN-1")]) == []
    assert found(extra=[refund(2, of=1)]) == []


def severities(*delays: timedelta, site: str = SITE) -> set[str]:
    billed, seen = [], []
    for number, delay in enumerate(delays, start=1):
        at = NOON + delay
        place = site if number == 1 else SITE
        billed.append(settlement(number, setl_time=at, fixmedins_code=place))
        seen.append(capture(number, **STAFF_FACE, opened_at=at, closed_at=at, fixmedins_code=place))
    return {each.sev_deg for each in world(billed, seen).suspicions("PR-02")}


def test_three_within_seven_days_at_a_site_are_grave() -> None:
    day = timedelta(days=1)
    assert severities(0 * day, 3 * day) == {"med"}
    assert severities(0 * day, 3 * day, 7 * day) == {"high"}
    assert severities(0 * day, 7 * day, 14 * day + timedelta(seconds=1)) == {"med"}
    assert severities(0 * day, 3 * day, 7 * day, site="H11010000001") == {"med"}
