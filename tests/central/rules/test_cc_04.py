"""CC-04: cards that travel together without their owners, and the people who simply come together."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from central.rules.base import Suspicion
from tests.central.analysis import NOON, SITE, Row, World, capture, exemption, proxy, refund, settlement

world = partial(World, only=["CC-04"])

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def visits(
    days: int,
    cards: str = "ABC",
    *,
    gap: timedelta = 5 * MINUTE,
    apart: timedelta = DAY,
    seen: dict[str, Any] | None = None,
    **changes: Any,
) -> tuple[list[Row], list[Row]]:
    """These cards one after the other, on so many days; with captures where `seen` says what they show."""
    billed, captured = [], []
    for day in range(days):
        for place, card in enumerate(cards):
            number, at = day * 100 + place, NOON + day * apart + place * gap
            billed.append(settlement(number, **{"psn_no": card, "setl_time": at} | changes))
            if seen is not None:
                plain = {"psn_no": card, "opened_at": at, "closed_at": at, "outcome": "undecided", "face_group": 7, "face_band": "same"}
                captured.append(capture(number, **plain | seen))
    return billed, captured


def suspicions(given: tuple[list[Row], list[Row]], proxies: Any = (), parameters: Any = None, **registers: Any) -> list[Suspicion]:
    return world(*given, proxies, parameters, **registers).suspicions("CC-04")


def test_three_cards_on_three_days_are_told() -> None:
    (suspicion,) = suspicions(visits(3))
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (f"{SITE}/A", None, "med")
    assert suspicion.vola_evid["psn_nos"] == ["A", "B", "C"]
    assert len(suspicion.vola_evid["setl_ids"]) == 9
    for said in ("3名参保人", "3天里", "10分钟内", "共9笔", "透析"):
        assert said in suspicion.vola_cont
    assert "3 insured persons" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (visits(2), 0),
        (visits(3, "AB"), 0),
        (visits(3, gap=5 * MINUTE + timedelta(seconds=1)), 0),
        (visits(3, apart=14 * DAY), 1),
        (visits(3, apart=15 * DAY), 0),
        (visits(3, fixmedins_code="H11010000001"), 1),
    ],
    ids=["two days", "two cards", "too far apart", "within a month", "over a month", "a hospital"],
)
def test_the_limits_hold_at_their_edges(given: tuple[list[Row], list[Row]], number: int) -> None:
    assert len(suspicions(given)) == number


def test_the_same_three_must_come_each_time() -> None:
    billed, _ = visits(3)
    for row in billed:
        if row["psn_no"] == "C":
            row["psn_no"] = f"C-{row['setl_id']}"
    assert suspicions((billed, [])) == []


@pytest.mark.parametrize(
    ("seen", "severity"),
    [
        ({}, "high"),
        ({"outcome": "no_person", "face_group": None, "face_band": None}, "high"),
        ({"outcome": "blind", "face_group": None, "face_band": None}, "med"),
        ({"face_band": "doubtful"}, "med"),
        ({"camera_fault": True}, "med"),
        ({"distrusted": True}, "med"),
    ],
    ids=["one face", "nobody", "blind", "doubtful", "a fault", "distrusted"],
)
def test_one_face_or_nobody_makes_it_grave_and_what_cannot_tell_does_not(seen: dict[str, Any], severity: str) -> None:
    assert [each.sev_deg for each in suspicions(visits(3, seen=seen))] == [severity]


def test_different_faces_do_not_make_it_grave() -> None:
    billed, captured = visits(3, seen={})
    apart = [row | {"face_group": number} for number, row in enumerate(captured)]
    assert [each.sev_deg for each in suspicions((billed, apart))] == ["med"]


@pytest.mark.parametrize("outcome", ["same", "manual_verified", "proxy"])
def test_owners_who_came_are_not(outcome: str) -> None:
    assert suspicions(visits(3, seen={"outcome": outcome})) == []


def test_proxies_exempt_persons_phones_and_refunds_are_not() -> None:
    assert suspicions(visits(3), [proxy("B", "A")]) == []
    assert suspicions(visits(3), exemptions=[exemption("B")]) == []
    assert suspicions(visits(3, opter_type="3")) == []
    billed, _ = visits(3)
    assert suspicions(([*billed, refund(900, of=102, psn_no="C")], [])) == []


def test_patients_of_a_dialysis_who_come_in_shifts_are_not() -> None:
    billed, _ = visits(12)
    lines = [{"fixmedins_code": SITE, "setl_id": row["setl_id"], "feedetl_sn": "1", "med_list_codg": "HD"} for row in billed]
    items = [{"med_list_codg": "HD", "per_session": True}]
    assert suspicions((billed, []), details=lines, items=items) == []
    assert len(suspicions((billed, []), details=lines)) == 1


def test_a_crowd_and_a_file_sent_at_once_say_nothing() -> None:
    everybody = "".join(chr(0x4E00 + n) for n in range(31))
    assert suspicions(visits(5, everybody, gap=timedelta(0))) == []
    assert len(suspicions(visits(5, everybody[:30], gap=timedelta(0)))) == 1


def test_a_site_with_many_settlements_a_day_is_bounded() -> None:
    billed = [settlement(n, psn_no=f"P{n % 400}", setl_time=NOON + (n // 400) * DAY + (n * 37 % 400) * MINUTE) for n in range(12_000)]
    assert len(suspicions((billed, []))) <= 400
