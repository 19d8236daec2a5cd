"""STF-01: a living member of staff settles with somebody else's card."""

from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, World, capture, exemption, proxy, refund, settlement
from tests.central.rules.test_pr_02 import STAFF_FACE, clerk

world = partial(World, only=["STF-01"])


def found(*, staff: Any = (), proxies: Any = (), exemptions: Any = (), extra: Any = (), **changes: Any) -> list[str]:
    """Subjects suspected when one capture looks like this."""
    seen = [capture(1, **STAFF_FACE | changes)]
    suspected = world([settlement(1), *extra], seen, proxies, staff=staff, exemptions=exemptions).suspicions("STF-01")
    return [each.subject_key for each in suspected]


def test_a_staff_face_with_anothers_card_is_suspected_and_names_the_clerk_of_the_bill() -> None:
    (suspicion,) = world([settlement(1, opter="OP-3")], [capture(1, **STAFF_FACE)]).suspicions("STF-01")
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (f"{SITE}/S-1", "PSN-1", "high")
    for said in ("经办人OP-3", "活体人脸", "不少于5帧", "没有其他人"):
        assert said in suspicion.vola_cont
    for said in ("clerk OP-3", "living face", "at least 5 required", "nobody else in view"):
        assert said in suspicion.vola_cont_en


def test_a_bill_without_clerk_names_none() -> None:
    (suspicion,) = world([settlement(1)], [capture(1, **STAFF_FACE)]).suspicions("STF-01")
    assert "经办人" not in suspicion.vola_cont
    assert "clerk" not in suspicion.vola_cont_en


@pytest.mark.parametrize(("frames", "number"), [(4, 0), (5, 1)])
def test_from_too_few_frames_nothing_follows(frames: int, number: int) -> None:
    assert len(found(frames_used=frames)) == number


@pytest.mark.parametrize(
    "changes",
    [
        {"liveness": "not_evaluated"},
        {"liveness": "cannot_judge"},
        {"liveness": "attack"},
        {"face_group": None, "face_band": None},
        {"face_band": "doubtful"},
        {"persons": 2},
        {"outcome": "same"},
        {"outcome": "manual_verified"},
        {"camera_fault": True},
        {"distrusted": True},
    ],
    ids=str,
)
def test_a_face_that_is_not_surely_alive_alone_and_known_is_not(changes: dict[str, Any]) -> None:
    assert found(**changes) == []


def test_own_cards_proxies_exempt_persons_and_refunds_are_not() -> None:
    assert found(staff=[clerk("PSN-1")]) == []
    assert found(staff=[clerk(None)], similarity=None) == []
    assert found(proxies=[proxy("PSN-1", "PSN-77")]) == []
    assert found(exemptions=[exemption("PSN-1")]) == []
    assert found(extra=[refund(2, of=1)]) == []
