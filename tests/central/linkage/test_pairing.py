"""Pairing: each side gets exactly one code, the two sides agree, and doubt is decided for the person."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.linkage.model import CaptureCode, SettlementCode
from tests.central.analysis import NOON, Row, World, capture, refund, settlement

SHARED = ("wrong_person", "off_time", "blind", "manual", "proxy", "matched")
"""Codes that a settlement and the capture that stands for it have in common."""


def linked(billed: Sequence[Row], seen: Sequence[Row], **limits: int) -> World:
    """Linked without running any rule."""
    return World(billed, seen, parameters={"linkage": limits}, only=())


def one(capture_changes: dict[str, Any] | None = None, settlement_changes: dict[str, Any] | None = None) -> tuple[str, str]:
    """Codes of one settlement and one capture."""
    world = linked([settlement(1, **(settlement_changes or {}))], [capture(1, **(capture_changes or {}))])
    return world.settlement(1)[0], world.capture(1)


def test_a_binding_pairs_also_when_the_claims_know_no_msgid() -> None:
    assert one(settlement_changes={"medins_setl_id": None}) == ("matched", "matched")


def test_the_msgid_pairs_when_there_is_no_binding_or_its_settlement_is_not_here() -> None:
    assert one({"setl_id": None}) == ("matched", "matched")
    assert one({"setl_id": "S-unheard-of"}) == ("matched", "matched")


def test_a_binding_goes_before_the_msgid() -> None:
    world = linked([settlement(1), settlement(2)], [capture(1, setl_id="S-2", psn_no="PSN-2")])
    assert world.settlement(1) == ("claim_without_capture", None)
    assert world.settlement(2) == ("matched", "t1:1:1")


def test_nothing_pairs_across_institutions() -> None:
    assert one({"fixmedins_code": "H11010000001"}) == ("claim_without_capture", "capture_without_claim")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "matched"),
        ({"outcome": "different"}, "matched"),
        ({"outcome": "undecided"}, "matched"),
        ({"outcome": "no_person"}, "matched"),
        ({"outcome": "attack"}, "matched"),
        ({"outcome": "blind"}, "blind"),
        ({"outcome": "manual_verified"}, "manual"),
        ({"outcome": "proxy"}, "proxy"),
        ({"psn_no": "PSN-9", "outcome": "different"}, "wrong_person"),
        ({"voided": True}, "voided"),
        ({"closing": "voided"}, "voided"),
        ({"voided": None}, "matched"),
    ],
)
def test_what_the_window_said_decides_the_code_of_both_sides(changes: dict[str, Any], code: str) -> None:
    assert one(changes) == (code, code)


@pytest.mark.parametrize(("seconds", "code"), [(600, "matched"), (601, "off_time"), (-600, "matched"), (-601, "off_time")])
def test_a_capture_too_far_from_the_settlement_does_not_show_it(seconds: int, code: str) -> None:
    """Ten minutes by default, from the settlement to the nearest moment of the capture."""
    times = {"opened_at": NOON + timedelta(seconds=seconds), "closed_at": NOON + timedelta(seconds=seconds)}
    assert one(times, {"setl_time": NOON}) == (code, code)


def test_how_far_can_be_configured() -> None:
    world = linked([settlement(1)], [capture(1, closed_at=NOON, opened_at=NOON)], off_time_s=59)
    assert world.settlement(1)[0] == "off_time"


def test_of_several_captures_the_one_for_the_person_stands() -> None:
    """A later empty picture, or a later other face, does not undo that the right person was there."""
    seen = [capture(1), capture(2, msgid="M1", setl_id="S-1", psn_no="PSN-1", outcome="no_person")]
    world = linked([settlement(1)], seen)
    assert world.settlement(1) == ("matched", "t1:1:1")
    assert world.capture(2) == "superseded"


def test_of_equal_captures_the_latest_stands() -> None:
    seen = [capture(n, msgid="M1", setl_id="S-1", psn_no="PSN-1", outcome="different") for n in (1, 2)]
    assert linked([settlement(1)], seen).settlement(1) == ("matched", "t1:1:2")


def test_a_voided_capture_stands_only_if_there_is_no_other() -> None:
    seen = [capture(1, voided=True), capture(2, msgid="M1", setl_id="S-1", psn_no="PSN-1", outcome="different")]
    world = linked([settlement(1)], seen)
    assert world.settlement(1) == ("matched", "t1:1:2")
    assert world.capture(1) == "voided"


def test_a_full_refund_takes_the_settlement_back() -> None:
    world = linked([settlement(1), refund(2, of=1)], [capture(1)])
    assert world.settlement(1) == ("refunded", "t1:1:1")
    assert world.settlement(2) == ("refund", None)
    assert world.capture(1) == "refunded"
    assert world.visits == []


def test_refunds_in_parts_add_up() -> None:
    assert linked([settlement(1), refund(2, of=1, fen=2000), refund(3, of=1, fen=1850)], [capture(1)]).settlement(1)[0] == "refunded"


def test_a_refund_in_part_is_deducted() -> None:
    (visit,) = linked([settlement(1), refund(2, of=1, fen=1000)], [capture(1)]).visits
    assert (visit["net_fund"], visit["net_acct"]) == (0, 2850)


def test_a_refund_of_another_institution_takes_nothing_back() -> None:
    world = linked([settlement(1), refund(2, of=1, fixmedins_code="H11010000001")], [capture(1)])
    assert world.settlement(1)[0] == "matched"


def test_a_refund_pairs_with_no_capture() -> None:
    world = linked([refund(1, of=7)], [capture(1)])
    assert world.settlement(1) == ("refund", None)
    assert world.capture(1) == "capture_without_claim"


def test_a_msgid_that_two_settlements_share_pairs_with_the_one_of_the_same_person() -> None:
    world = linked([settlement(1, medins_setl_id="M2"), settlement(2)], [capture(2, setl_id=None)])
    assert world.settlement(1)[0] == "claim_without_capture"
    assert world.settlement(2) == ("matched", "t1:1:2")


@pytest.mark.parametrize(("sharing", "code"), [(10, "matched"), (11, "claim_without_capture")])
def test_a_msgid_that_very_many_settlements_share_tells_nothing(sharing: int, code: str) -> None:
    billed = [settlement(number, medins_setl_id="0") for number in range(sharing)]
    assert linked(billed, [capture(3, setl_id=None, msgid="0")]).settlement(3)[0] == code


def test_nothing_at_all_is_no_error() -> None:
    world = linked([], [])
    assert (world.settlements, world.captures, world.results.suspicions) == ([], [], ())


SMALL = st.integers(0, 5)
SETTLEMENT = st.fixed_dictionaries(
    {
        "setl_id": SMALL.map(lambda n: f"S-{n}"),
        "fixmedins_code": st.sampled_from(["P99999900001", "H11010000001"]),
        "medins_setl_id": st.none() | SMALL.map(lambda n: f"M{n}"),
        "psn_no": SMALL.map(lambda n: f"PSN-{n}"),
        "setl_time": SMALL.map(lambda n: NOON + timedelta(minutes=4 * n)),
        "medfee_sumamt": st.integers(-2, 2),
        "refd_setl_flag": st.integers(0, 1),
        "init_setl_id": st.none() | SMALL.map(lambda n: f"S-{n}"),
    }
).map(lambda changes: settlement(1, **changes))
CAPTURE = st.fixed_dictionaries(
    {
        "capture_id": st.integers(0, 20).map(str),
        "fixmedins_code": st.sampled_from(["P99999900001", "H11010000001"]),
        "msgid": SMALL.map(lambda n: f"M{n}"),
        "psn_no": SMALL.map(lambda n: f"PSN-{n}"),
        "setl_id": st.none() | SMALL.map(lambda n: f"S-{n}"),
        "opened_at": SMALL.map(lambda n: NOON + timedelta(minutes=4 * n)),
        "closed_at": SMALL.map(lambda n: NOON + timedelta(minutes=4 * n + 20)),
        "outcome": st.sampled_from(["same", "different", "undecided", "attack", "no_person", "blind", "manual_verified", "proxy"]),
        "voided": st.none() | st.booleans(),
        "closing": st.sampled_from(["bound", "voided", "timed_out"]),
        "face_group": st.none() | SMALL,
    }
).map(lambda changes: capture(1, **changes))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(SETTLEMENT, max_size=12, unique_by=lambda row: (row["fixmedins_code"], row["setl_id"])),
    st.lists(CAPTURE, max_size=12, unique_by=lambda row: row["capture_id"]),
)
def test_every_settlement_and_every_capture_has_exactly_one_code(billed: list[Row], seen: list[Row]) -> None:
    world = linked(billed, seen)
    assert Counter((row["fixmedins_code"], row["setl_id"]) for row in world.settlements) == Counter(
        (row["fixmedins_code"], row["setl_id"]) for row in billed
    )
    assert Counter(row["capture_id"] for row in world.captures) == Counter(row["capture_id"] for row in seen)
    settlement_codes = Counter(SettlementCode(row["code"]) for row in world.settlements)
    capture_codes = Counter(CaptureCode(row["code"]) for row in world.captures)
    assert sum(settlement_codes.values()) == len(billed)
    assert sum(capture_codes.values()) == len(seen)
    for code in SHARED:
        assert settlement_codes[SettlementCode(code)] == capture_codes[CaptureCode(code)], f"both sides count the same {code}"
    assert len(world.visits) == settlement_codes[SettlementCode.MATCHED]
    refunds = sum(row["refd_setl_flag"] for row in billed)
    assert settlement_codes[SettlementCode.REFUND] == refunds
    standing = {row["capture_id"]: row for row in world.captures}
    for row in world.settlements:
        if row["code"] in SHARED:
            assert standing[row["capture_id"]]["linked_setl_id"] == row["setl_id"]
            assert standing[row["capture_id"]]["code"] == row["code"]
