"""PR-03: a picture before the camera, settled or given up, and what is none."""

from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, World, capture, exemption, refund, settlement

world = partial(World, only=["PR-03"])

ATTACK = {"outcome": "attack", "liveness": "attack", "similarity": 0.9}


def found(*, exemptions: Any = (), **changes: Any) -> list[str]:
    """Subjects suspected when one capture looks like this."""
    suspected = world([settlement(1)], [capture(1, **ATTACK | changes)], exemptions=exemptions).suspicions("PR-03")
    return [each.subject_key for each in suspected]


def test_an_attack_at_a_settlement_is_suspected_with_its_amount() -> None:
    (suspicion,) = world([settlement(1)], [capture(1, **ATTACK)]).suspicions("PR-03")
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (f"{SITE}/t1:1:1", "PSN-1", "high")
    assert (suspicion.vola_evid["setl_ids"], str(suspicion.vola_amt)) == (["S-1"], "38.50")
    for said in ("照片、屏幕、面具", "不少于3帧", "对应结算S-1"):
        assert said in suspicion.vola_cont
    for said in ("photograph", "at least 3 required", "settlement S-1"):
        assert said in suspicion.vola_cont_en
    assert "人工核验" not in suspicion.vola_cont


def test_an_attempt_without_settlement_is_suspected_too() -> None:
    (suspicion,) = world([], [capture(1, **ATTACK, voided=True, setl_id=None)]).suspicions("PR-03")
    assert (suspicion.vola_evid["setl_ids"], str(suspicion.vola_amt)) == ([], "0.00")
    assert "没有对应的有效结算" in suspicion.vola_cont
    assert "no settlement belongs to it" in suspicion.vola_cont_en


def test_what_was_taken_back_is_no_loss() -> None:
    (suspicion,) = world([settlement(1), refund(2, of=1)], [capture(1, **ATTACK)]).suspicions("PR-03")
    assert str(suspicion.vola_amt) == "0.00"


def test_a_clerk_who_vouched_is_named_for_the_reviewer() -> None:
    (suspicion,) = world([settlement(1)], [capture(1, **ATTACK, manual_reason="not_recognised")]).suspicions("PR-03")
    assert "经办人另称已人工核验" in suspicion.vola_cont
    assert "check by hand" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": "undecided"},
        {"outcome": "same"},
        {"liveness": "cannot_judge"},
        {"liveness": "not_evaluated"},
        {"frames_used": 2},
        {"camera_fault": True},
        {"distrusted": True},
    ],
    ids=str,
)
def test_what_the_window_did_not_surely_see_is_not(changes: dict[str, Any]) -> None:
    assert found(**changes) == []


def test_who_cannot_pass_liveness_and_is_exempt_is_not() -> None:
    assert found(exemptions=[exemption("PSN-1")]) == []
    assert found(exemptions=[exemption("PSN-2")]) == [f"{SITE}/t1:1:1"]
