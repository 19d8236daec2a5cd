"""CC-02: a card with many living faces; owners, helpers and proxies are none."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from central.rules.base import Suspicion
from tests.central.analysis import NOON, Row, World, capture, exemption, proxy, settlement

world = partial(World, only=["CC-02"])

DAY = timedelta(days=1)
Seen = tuple[int, str, timedelta]


def suspicions(*faces: Seen, proxies: Any = (), exemptions: Any = (), **changes: Any) -> list[Suspicion]:
    """One card with these faces: (face group, outcome, so long after noon)."""
    billed: list[Row] = []
    seen: list[Row] = []
    for number, (group, outcome, delay) in enumerate(faces):
        at = NOON + delay
        billed.append(settlement(number, psn_no="CARD", setl_time=at))
        plain = {"psn_no": "CARD", "opened_at": at, "closed_at": at, "face_group": group, "outcome": outcome, "similarity": 0.2}
        seen.append(capture(number, **plain | changes))
    return world(billed, seen, proxies, exemptions=exemptions).suspicions("CC-02")


def strangers(number: int, gap: timedelta = DAY) -> list[Seen]:
    return [(group, "different", group * gap) for group in range(1, number + 1)]


def test_three_faces_in_a_month_are_suspected() -> None:
    (suspicion,) = suspicions(*strangers(3))
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == ("CARD/faces", "CARD", "med")
    for said in ("3张不同的活体人脸", "30日内3张", "现有0名"):
        assert said in suspicion.vola_cont
    assert "3 different living faces" in suspicion.vola_cont_en


@pytest.mark.parametrize(("gap", "number"), [(15 * DAY, 1), (15 * DAY + timedelta(seconds=1), 0)])
def test_the_span_holds_to_the_second(gap: timedelta, number: int) -> None:
    assert len(suspicions(*strangers(3, gap))) == number


def test_the_owner_counts_once_however_often_the_grouping_split_him() -> None:
    own = [(7, "same", 0 * DAY), (8, "same", DAY), (9, "undecided", 2 * DAY), (7, "different", 3 * DAY)]
    assert suspicions(*own, (1, "different", 4 * DAY)) == [], "owner and a helper"
    assert len(suspicions(*own, *strangers(2))) == 1


def test_undecided_counts_only_where_there_was_nothing_to_compare_with() -> None:
    faces = [(group, "undecided", group * DAY) for group in range(1, 4)]
    assert suspicions(*faces) == []
    assert len(suspicions(*faces, similarity=None)) == 1, "an owner who is not enrolled"


def test_each_registered_proxy_explains_one_face() -> None:
    family = [proxy("CARD", "MUM"), proxy("CARD", "DAD")]
    assert suspicions(*strangers(4), proxies=family) == []
    (suspicion,) = suspicions(*strangers(5), proxies=family)
    assert "现有2名" in suspicion.vola_cont


@pytest.mark.parametrize(
    "changes",
    [
        {"liveness": "not_evaluated"},
        {"liveness": "cannot_judge"},
        {"liveness": "attack"},
        {"face_band": "doubtful"},
        {"face_group": None},
        {"proxy_psn_no": "MUM"},
        {"camera_fault": True},
        {"distrusted": True},
    ],
    ids=str,
)
def test_what_is_not_surely_a_living_unexplained_face_does_not_count(changes: dict[str, Any]) -> None:
    assert suspicions(*strangers(4), **changes) == []


def test_a_person_who_does_not_use_the_face_is_not() -> None:
    assert suspicions(*strangers(4), exemptions=[exemption("CARD")]) == []


def test_a_card_with_ten_thousand_settlements_is_bounded() -> None:
    (suspicion,) = suspicions(*strangers(10_000, timedelta(seconds=30)))
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
