"""Pairing: each side gets exactly one code, the two sides agree, and doubt is decided for the person."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.linkage.model import CaptureCode, SettlementCode
from tests.central.analysis import NOON, SITE, Row, World, capture, refund, settlement

SHARED = ("wrong_site", "distrusted", "wrong_person", "off_time", "blind", "manual", "proxy", "late", "matched")
"""Codes that a settlement and the capture that stands for it have in common."""


AROUND = (capture(0, msgid="-"), capture(10, msgid="-"))
"""A terminal that watched before and after."""


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
    elsewhere = {"fixmedins_code": "H11010000001"}
    assert linked([settlement(1)], [capture(1, **elsewhere), capture(0)]).visits == []
    world = linked([settlement(1), settlement(9, **elsewhere)], [capture(1, psn_no="PSN-7", **elsewhere), *AROUND])
    assert world.settlement(1) == ("claim_without_capture", None)
    assert world.capture(1) == "capture_without_claim"


@pytest.mark.parametrize("named", [{"msgid": "M0"}, {"setl_id": None}])
def test_a_pair_that_names_two_institutions_is_said_to_be_one(named: Row) -> None:
    """By the number of the settlement or by the msgid; it is no visit, and nobody is suspected for it."""
    world = linked([settlement(1)], [capture(1, fixmedins_code="H11010000001", **named), capture(3)])
    assert world.settlement(1) == ("wrong_site", "t1:1:1")
    assert world.capture(1) == "wrong_site"
    assert world.visits == []


def test_what_two_could_be_is_neither() -> None:
    """Two captures elsewhere, or two claims: nobody can know which one went astray."""
    seen = [capture(1, fixmedins_code=site, capture_id=f"t1:1:{number}") for number, site in ((1, "H1"), (2, "H2"))]
    assert linked([settlement(1)], [*seen, *AROUND]).settlement(1) == ("claim_without_capture", None)
    billed = [settlement(1, fixmedins_code=site) for site in ("H1", "H2")]
    assert linked([*billed, settlement(9)], [capture(1)]).capture(1) == "capture_without_claim"


@pytest.mark.parametrize(
    ("silent_for", "code"),
    [
        (timedelta(0), "claim_without_capture"),
        (timedelta(seconds=1), "awaited"),
        (timedelta(days=45), "awaited"),
        (timedelta(days=46), "claim_without_capture"),
    ],
)
def test_a_claim_waits_for_a_terminal_that_has_not_told_of_its_time(silent_for: timedelta, code: str) -> None:
    """Not for ever: a terminal that is silent for longer than 45 days is not waited for."""
    told = {"fixmedins_code": SITE, "source": "t1", "since": NOON - timedelta(days=90), "until": NOON - silent_for}
    assert World([settlement(1, setl_time=NOON)], [], only=(), reports=[told]).settlement(1)[0] == code
    enrolled = told | {"since": NOON - silent_for, "until": None}
    assert World([settlement(1, setl_time=NOON)], [], only=(), reports=[enrolled]).settlement(1)[0] == code


def test_the_slowest_terminal_of_an_institution_is_waited_for() -> None:
    told = [
        {"fixmedins_code": SITE, "source": name, "since": NOON, "until": NOON + timedelta(hours=hours)}
        for name, hours in (("a", 1), ("b", 3))
    ]
    billed = [settlement(1, setl_time=NOON + timedelta(hours=hours), setl_id=f"S-{hours}") for hours in (1, 2, 4)]
    world = World(billed, [], only=(), reports=told)
    assert [world.settlement(hours)[0] for hours in (1, 2, 4)] == ["claim_without_capture", "awaited", "awaited"]


def test_a_capture_waits_for_the_claims_of_its_time() -> None:
    world = linked([settlement(5)], [capture(4), capture(5), capture(6)])
    assert [world.capture(number) for number in (4, 5, 6)] == ["capture_without_claim", "matched", "awaited"]
    assert linked([], [capture(1)]).capture(1) == "awaited"


def test_where_and_when_no_terminal_watched_nothing_could_be_seen() -> None:
    assert linked([settlement(1)], []).settlement(1)[0] == "unwatched"
    assert linked([settlement(1), settlement(9)], [capture(5)]).settlement(1)[0] == "unwatched"
    registered = [{"fixmedins_code": SITE, "watched_from": NOON - timedelta(days=1)}]
    assert World([settlement(1)], [capture(5)], only=(), sites=registered).settlement(1)[0] == "claim_without_capture"
    coverage = [{"device_id": "t1", "fixmedins_code": SITE, "window": "W1", "since": NOON, "until": NOON + timedelta(hours=1)}]
    for role, code in ((None, "claim_without_capture"), ("window", "claim_without_capture"), ("entrance", "unwatched")):
        told = [coverage[0] | {"role": role}]
        assert World([settlement(1)], [], only=(), coverage=told).settlement(1)[0] == code


def test_a_mobile_payment_needs_no_window_but_may_have_one() -> None:
    ordered = [{"fixmedins_code": SITE, "setl_id": f"S-{number}", "latitude": 0.0, "longitude": 0.0} for number in (1, 2)]
    world = World([settlement(1), settlement(2), settlement(3, opter_type="3")], [capture(2), capture(0)], only=(), places=ordered)
    assert [world.settlement(number)[0] for number in (1, 2, 3)] == ["remote", "matched", "remote"]


@pytest.mark.parametrize("outcome", ["different", "no_person", "same", "blind", "manual_verified"])
def test_a_device_that_is_not_believed_shows_nothing(outcome: str) -> None:
    assert one({"outcome": outcome, "distrusted": True}) == ("distrusted", "distrusted")


def test_a_believed_capture_goes_before_one_that_is_not() -> None:
    seen = [capture(1, distrusted=True), capture(2, msgid="M1", setl_id="S-1", psn_no="PSN-1", outcome="different")]
    assert linked([settlement(1)], seen).settlement(1) == ("matched", "t1:1:2")


@pytest.mark.parametrize(("days", "code"), [(45, "matched"), (46, "late"), (-45, "matched"), (-46, "late"), (None, "matched")])
def test_a_side_that_came_long_after_the_other_is_late_and_still_looked_at(days: int | None, code: str) -> None:
    came = None if days is None else NOON + timedelta(days=days)
    world = linked([settlement(1, received_at=NOON)], [capture(1, received_at=came)])
    assert (world.settlement(1)[0], world.capture(1)) == (code, code)
    assert len(world.visits) == 1


def test_a_clock_that_is_known_to_be_off_widens_what_fits() -> None:
    times = {"opened_at": NOON + timedelta(seconds=700), "closed_at": NOON + timedelta(seconds=700)}
    assert one(times | {"clock_error_ms": -100_000.0}, {"setl_time": NOON}) == ("matched", "matched")
    assert one(times | {"clock_error_ms": 99_000.0}, {"setl_time": NOON}) == ("off_time", "off_time")


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
    assert world.settlement(1) == ("refund_alone", None)
    assert world.capture(1) == "capture_without_claim"


def test_a_refund_of_a_refund_or_of_another_institution_takes_nothing_back() -> None:
    world = linked(
        [settlement(1), refund(2, of=1), refund(3, of=2), refund(4, of=1, fixmedins_code="H1"), refund(5, of=1) | {"init_setl_id": None}],
        [],
    )
    assert [world.settlement(number)[0] for number in (2, 3, 4, 5)] == ["refund", "refund_alone", "refund_alone", "refund_alone"]


def test_a_msgid_that_two_settlements_share_pairs_with_the_one_of_the_same_person() -> None:
    world = linked([settlement(1, medins_setl_id="M2"), settlement(2)], [capture(2, setl_id=None), capture(0)])
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
        "received_at": st.none() | SMALL.map(lambda n: NOON + timedelta(days=20 * n)),
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
        "distrusted": st.none() | st.booleans(),
        "received_at": st.none() | SMALL.map(lambda n: NOON + timedelta(days=20 * n)),
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
    assert len(world.visits) == settlement_codes[SettlementCode.MATCHED] + settlement_codes[SettlementCode.LATE]
    refunds = sum(row["refd_setl_flag"] for row in billed)
    assert settlement_codes[SettlementCode.REFUND] + settlement_codes[SettlementCode.REFUND_ALONE] == refunds
    standing = {row["capture_id"]: row for row in world.captures}
    for row in world.settlements:
        if row["code"] in SHARED and row["code"] != "wrong_site":
            assert standing[row["capture_id"]]["linked_setl_id"] == row["setl_id"]
            assert standing[row["capture_id"]]["code"] == row["code"]
