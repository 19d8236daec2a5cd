"""ID-01: another person at the window, and every way in which that is not one."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import NOON, World, capture, exemption, proxy, refund, settlement

world = partial(World, only=["ID-01"])

DIFFERENT = {"outcome": "different", "similarity": 0.31}


def found(*extra: Any, proxies: Any = (), parameters: Any = None, **changes: Any) -> list[str]:
    """Subjects suspected when one capture looks like this; further settlements may be given."""
    suspected = world([settlement(1), *extra], [capture(1, **DIFFERENT | changes)], proxies, parameters).suspicions("ID-01")
    return [each.subject_key for each in suspected]


def test_another_person_is_suspected_with_everything_a_reviewer_needs() -> None:
    (suspicion,) = world([settlement(1)], [capture(1, **DIFFERENT)]).suspicions("ID-01")
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == ("P99999900001/S-1", "PSN-1", "high")
    assert suspicion.vola_amt == Decimal("38.50"), "fund and account; cash is nobody's loss"
    assert suspicion.occurred_at == datetime(2026, 1, 14, 4, 1, tzinfo=UTC)
    assert suspicion.vola_evid == {
        "capture_ids": ["t1:1:1"],
        "setl_ids": ["S-1"],
        "psn_nos": ["PSN-1"],
        "seen": {"window": "W1", "similarity": 0.31, "frames_used": 10},
    }
    assert suspicion.limits == {"min_frames_used": 3}
    for said in ("2026-01-14 12:01:00", "P99999900001", "S-1", "0.31", "不少于3帧", "代办人登记", "疑点", "不是认定结论"):
        assert said in suspicion.vola_cont
    for said in ("2026-01-14 12:01:00", "W1", "0.31", "at least 3", "proxy register was consulted", "suspicion"):
        assert said in suspicion.vola_cont_en
    assert "条例" in suspicion.legal_basis


@pytest.mark.parametrize("outcome", ["same", "undecided", "attack", "no_person", "blind", "manual_verified", "proxy"])
def test_no_other_outcome_is_suspected_however_low_the_similarity(outcome: str) -> None:
    assert found(outcome=outcome) == []


@pytest.mark.parametrize(("frames", "subjects"), [(2, []), (3, ["P99999900001/S-1"])])
def test_a_glimpse_accuses_nobody(frames: int, subjects: list[str]) -> None:
    assert found(frames_used=frames) == subjects


def test_how_many_frames_can_be_configured() -> None:
    assert found(frames_used=10, parameters={"ID-01": {"min_frames_used": 11}}) == []


@pytest.mark.parametrize(
    ("entry", "excused"),
    [
        (proxy("PSN-1", "PSN-2"), True),
        (proxy("PSN-1", "PSN-2", valid_from=datetime(2026, 1, 14, 4, 1, tzinfo=UTC)), True),
        (proxy("PSN-1", "PSN-2", valid_from=datetime(2026, 1, 14, 4, 2, tzinfo=UTC)), False),
        (proxy("PSN-1", "PSN-2", valid_to=datetime(2026, 1, 14, 4, 1, tzinfo=UTC)), False),
        (proxy("PSN-2", "PSN-1"), False),
        (proxy("PSN-3", "PSN-4"), False),
    ],
    ids=["valid", "from this moment", "from later on", "until this moment", "the other way round", "of somebody else"],
)
def test_a_proxy_registered_for_that_moment_explains_another_face(entry: Any, excused: bool) -> None:
    assert (found(proxies=[entry]) == []) is excused


def test_several_proxies_do_not_multiply_a_suspicion() -> None:
    late = [proxy("PSN-1", f"PSN-{n}", valid_to=NOON) for n in range(5)]
    assert found(proxies=late) == ["P99999900001/S-1"]


def test_a_settlement_that_was_taken_back_is_not_suspected() -> None:
    assert found(refund(2, of=1)) == []
    assert found(voided=True) == []


def test_what_was_refunded_in_part_is_deducted() -> None:
    (suspicion,) = world([settlement(1), refund(2, of=1, fen=1000)], [capture(1, **DIFFERENT)]).suspicions("ID-01")
    assert suspicion.vola_amt == Decimal("28.50")


def test_a_capture_of_another_person_number_or_another_time_is_not_suspected() -> None:
    assert found(psn_no="PSN-9") == []
    assert found(opened_at=NOON.replace(hour=6), closed_at=NOON.replace(hour=6)) == []


def test_a_second_try_that_shows_the_right_person_clears_the_first() -> None:
    again = capture(2, msgid="M1", setl_id="S-1", psn_no="PSN-1")
    assert world([settlement(1)], [capture(1, **DIFFERENT), again]).suspicions("ID-01") == []


def test_a_settlement_without_capture_and_a_capture_without_settlement_are_not_suspected() -> None:
    assert world([settlement(1)], [capture(2, **DIFFERENT)]).suspicions("ID-01") == []


def test_an_unknown_similarity_is_not_named() -> None:
    (suspicion,) = world([settlement(1)], [capture(1, **DIFFERENT | {"similarity": None})]).suspicions("ID-01")
    assert "相似度" not in suspicion.vola_cont
    assert "similarity" not in suspicion.vola_cont_en


def test_a_person_who_does_not_use_the_face_is_not_suspected_while_that_holds() -> None:
    for entry, number in ((exemption("PSN-1"), 0), (exemption("PSN-1", valid_to=NOON), 1), (exemption("PSN-2"), 1)):
        assert len(world([settlement(1)], [capture(1, **DIFFERENT)], exemptions=[entry]).suspicions("ID-01")) == number


def test_a_camera_that_failed_for_a_while_and_a_distrusted_device_accuse_nobody() -> None:
    assert found(camera_fault=True) == []
    assert found(distrusted=True) == []


def test_where_a_clerk_stated_a_proxy_another_rule_looks() -> None:
    assert found(manual_reason="proxy", proxy_psn_no="PSN-7") == []
