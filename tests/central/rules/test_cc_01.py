"""CC-01: one face with many cards, and the families and proxies who look like it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from central.rules.base import Suspicion
from tests.central.analysis import NOON, Row, World, capture, exemption, proxy, refund, settlement

world = partial(World, only=["CC-01"])

HOUR = timedelta(hours=1)


def used(*cards: tuple[str, timedelta], **changes: Any) -> tuple[list[Row], list[Row]]:
    """Settlements and captures of one face that used these cards so long after noon."""
    billed, seen = [], []
    for number, (psn_no, delay) in enumerate(cards, start=1):
        at = NOON + delay
        billed.append(settlement(number, psn_no=psn_no, setl_time=at))
        band = {"face_group": 42, "face_band": "first" if number == 1 else "same"}
        times = {"opened_at": at - timedelta(seconds=10), "closed_at": at}
        seen.append(capture(number, **{"psn_no": psn_no, "outcome": "undecided"} | band | times | changes))
    return billed, seen


def persons(*cards: tuple[str, timedelta], proxies: Any = (), **changes: Any) -> list[list[str]]:
    """The psn_nos of each suspicion."""
    suspected = world(*used(*cards, **changes), proxies).suspicions("CC-01")
    return [each.vola_evid["psn_nos"] for each in suspected]


def three(gap: timedelta) -> tuple[tuple[str, timedelta], ...]:
    return ("A", 0 * gap), ("B", gap), ("C", 2 * gap)


def test_three_cards_in_a_week_are_suspected_once_with_all_settlements() -> None:
    (suspicion,) = world(*used(*three(24 * HOUR), ("A", 80 * HOUR))).suspicions("CC-01")
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == ("P99999900001/42", None, "med")
    assert suspicion.vola_amt == 4 * Decimal("38.50")
    assert suspicion.vola_evid["setl_ids"] == ["S-1", "S-2", "S-3", "S-4"]
    assert suspicion.vola_evid["psn_nos"] == ["A", "B", "C"]
    assert suspicion.occurred_at == NOON + 80 * HOUR
    assert suspicion.vola_evid["seen"]["burst"] is False
    for said in ("2026-01-14 12:00:00至2026-01-17 20:00:00", "3名参保人", "7日内3人", "30分钟内2人", "代办人登记"):
        assert said in suspicion.vola_cont
    assert "of 3 insured persons" in suspicion.vola_cont_en


@pytest.mark.parametrize(("span", "number"), [(timedelta(days=7), 1), (timedelta(days=7, seconds=1), 0)])
def test_three_cards_over_more_than_a_week_are_not(span: timedelta, number: int) -> None:
    assert len(persons(("A", 0 * HOUR), ("B", 24 * HOUR), ("C", span))) == number


@pytest.mark.parametrize(("gap", "number"), [(timedelta(minutes=30), 1), (timedelta(minutes=30, seconds=1), 0)])
def test_two_cards_within_half_an_hour_are_suspected(gap: timedelta, number: int) -> None:
    assert len(persons(("A", 0 * HOUR), ("B", gap))) == number


def test_a_couple_with_two_cards_on_different_days_is_not() -> None:
    assert persons(("A", 0 * HOUR), ("B", 24 * HOUR), ("A", 48 * HOUR), ("B", 72 * HOUR)) == []


def test_one_card_used_often_is_not() -> None:
    assert persons(*[("A", n * timedelta(minutes=1)) for n in range(10)]) == []


def test_different_faces_are_not() -> None:
    billed, seen = used(*three(HOUR))
    apart = [row | {"face_group": number} for number, row in enumerate(seen)]
    assert world(billed, apart).suspicions("CC-01") == []


@pytest.mark.parametrize(
    "changes", [{"face_group": None}, {"face_band": "doubtful"}, {"outcome": "blind"}, {"outcome": "manual_verified"}, {"outcome": "proxy"}]
)
def test_unknown_and_doubtful_faces_and_explained_captures_do_not_count(changes: dict[str, Any]) -> None:
    assert persons(*three(HOUR), **changes) == []


def test_the_same_face_at_two_sites_is_counted_apart() -> None:
    billed, seen = used(*three(HOUR))
    billed[2]["fixmedins_code"] = seen[2]["fixmedins_code"] = "H11010000001"
    assert world(billed, seen).suspicions("CC-01") == []


def test_a_refunded_settlement_does_not_count() -> None:
    billed, seen = used(*three(HOUR))
    assert world([*billed, refund(9, of=3)], seen).suspicions("CC-01") == []


@pytest.mark.parametrize(
    "proxies",
    [
        [proxy("B", "A"), proxy("C", "A")],
        [proxy("A", "B"), proxy("C", "B")],
        [proxy("A", "M"), proxy("B", "M"), proxy("C", "M")],
        [proxy("A", "M"), proxy("B", "M"), proxy("C", "M"), proxy("C", "F"), proxy("A", "F")],
    ],
    ids=["one is the proxy of the others", "another is", "an outsider is for all", "two outsiders are"],
)
def test_a_family_with_registered_proxies_is_not_suspected(proxies: list[Row]) -> None:
    assert persons(*three(timedelta(minutes=5)), proxies=proxies) == []


def test_a_proxy_explains_only_his_own_people() -> None:
    """B is A's proxy, but two strangers' cards remain beside them."""
    cards = (*three(HOUR), ("D", 3 * HOUR))
    assert persons(*cards, proxies=[proxy("A", "B")]) == [["A", "C", "D"]]


def test_with_one_pair_explained_two_remain_which_is_no_crowd_in_a_week_but_in_half_an_hour() -> None:
    assert persons(*three(HOUR), proxies=[proxy("A", "B")]) == []
    assert persons(*three(timedelta(minutes=5)), proxies=[proxy("A", "B")]) == [["A", "C"]]


def test_a_proxy_entry_that_had_ended_explains_nothing() -> None:
    ended = [proxy(psn_no, "M", valid_to=datetime(2026, 1, 14, 4, tzinfo=UTC)) for psn_no in "ABC"]
    assert persons(*three(HOUR), proxies=ended) == [["A", "B", "C"]]


def test_limits_can_be_configured() -> None:
    strict = {"CC-01": {"window_cards": 4, "burst_cards": 3}}
    assert world(*used(*three(HOUR)), parameters=strict).suspicions("CC-01") == []


def test_of_a_portrait_on_the_wall_only_the_newest_settlements_are_named() -> None:
    """It would be the same face in everything that happens at the site."""
    cards = [(f"P{number}", number * timedelta(minutes=1)) for number in range(30)]
    (suspicion,) = world(*used(*cards), parameters={"CC-01": {"newest_settlements": 10}}).suspicions("CC-01")
    assert suspicion.vola_evid["setl_ids"] == sorted(f"S-{number}" for number in range(21, 31))


def growing(number: int) -> Suspicion:
    (suspicion,) = world(*used(*[(f"P{n}", n * HOUR) for n in range(number)])).suspicions("CC-01")
    return suspicion


def test_a_growing_group_keeps_its_subject() -> None:
    assert growing(3).subject_key == growing(5).subject_key
    assert growing(5).vola_evid["psn_nos"] == ["P0", "P1", "P2", "P3", "P4"]


def recognised(*cards: tuple[str, timedelta], others: tuple[str, ...] = ()) -> list[list[str]]:
    """Persons suspected where everybody was recognised with the own card, but for others."""
    billed, seen = used(*cards)
    seen = [row | {"outcome": "undecided" if row["psn_no"] in others else "same"} for row in seen]
    return [each.vola_evid["psn_nos"] for each in world(billed, seen).suspicions("CC-01")]


def test_twins_who_were_each_recognised_are_one_face_and_no_crime() -> None:
    twins = (("A", 0 * HOUR), ("B", timedelta(minutes=1)))
    assert recognised(*twins) == []
    assert recognised(*twins, ("C", timedelta(minutes=2)), others=("C",)) == [["A", "C"]], "a third card is"


def test_a_face_recognised_as_many_persons_is_no_likeness_any_more() -> None:
    assert recognised(*three(timedelta(minutes=5))) == [["A", "B", "C"]]


def test_a_camera_that_failed_for_a_while_and_persons_who_do_not_use_the_face_do_not_count() -> None:
    assert persons(*three(HOUR), camera_fault=True) == []
    assert world(*used(*three(HOUR)), exemptions=[exemption("B")]).suspicions("CC-01") == []


def test_a_face_on_a_poster_in_twenty_thousand_captures_is_bounded() -> None:
    (suspicion,) = world(*used(*[(f"P{n % 500}", n * timedelta(seconds=20)) for n in range(20_000)])).suspicions("CC-01")
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
