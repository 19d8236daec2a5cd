"""GEO-01: a card at two places at once, and the ways, clocks and helpers that explain it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from central.rules.base import Suspicion
from tests.central.analysis import NOON, Row, World, capture, proxy, refund, settlement

world = partial(World, only=["GEO-01"])

HERE, THERE = "P00000000001", "H00000000002"
MINUTE = timedelta(minutes=1)


def site(code: str, north_km: float, **changes: Any) -> Row:
    """An institution so many kilometres north of Nanjing: a degree of latitude is 111.195 km on the sphere of the formula."""
    return {"fixmedins_code": code, "kind": code[0], "latitude": 32.0 + north_km / 111.195, "longitude": 118.8} | changes


def suspicions(
    gap: timedelta, distance_km: float, *more: Row, seen: Any = (), sites: Any = None, proxies: Any = (), first: Any = None, **changes: Any
) -> list[Suspicion]:
    """One card here, and so much later there."""
    one = settlement(1, psn_no="CARD", fixmedins_code=HERE, setl_time=NOON) | (first or {})
    two = settlement(2, psn_no="CARD", fixmedins_code=THERE, setl_time=NOON + gap) | changes
    known = [site(HERE, 0), site(THERE, distance_km)] if sites is None else sites
    registers = {"places": [row for row in more if "latitude" in row]}
    billed = [one, two, *(row for row in more if "latitude" not in row)]
    return world(billed, seen, proxies, sites=known, **registers).suspicions("GEO-01")


def test_a_card_two_hundred_kilometres_away_within_the_hour_is_suspected() -> None:
    (suspicion,) = suspicions(60 * MINUTE, 200)
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (f"CARD/{THERE}:S-2", "CARD", "high")
    assert (suspicion.fixmedins_code, suspicion.vola_evid["setl_ids"]) == (THERE, ["S-1", "S-2"])
    for said in (HERE, "60分钟后", "约200公里", "每小时80公里", "时钟误差240秒", "没有有效的代办人"):
        assert said in suspicion.vola_cont
    for said in ("60 minutes later", "about 200 km", "240 s were allowed", "no valid proxy"):
        assert said in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("gap", "distance_km", "number"),
    [
        (26 * MINUTE - timedelta(seconds=1), 10, 1),
        (26 * MINUTE, 10, 0),
        (56 * MINUTE - timedelta(seconds=1), 80.01, 1),
        (56 * MINUTE + timedelta(seconds=1), 80, 0),
        (timedelta(0), 6, 1),
        (timedelta(0), 4.9, 0),
    ],
    ids=["half an hour less clocks", "half an hour", "an hour's way less clocks", "an hour's way", "at once", "round the corner"],
)
def test_the_way_and_the_clocks_are_allowed_for(gap: timedelta, distance_km: float, number: int) -> None:
    assert len(suspicions(gap, distance_km)) == number


def test_a_device_that_knows_how_wrong_its_clock_is_allows_more() -> None:
    def with_error(clock_error_ms: float | None) -> int:
        seen = capture(2, psn_no="CARD", fixmedins_code=THERE, opened_at=NOON, closed_at=NOON + 20 * MINUTE, clock_error_ms=clock_error_ms)
        return len(suspicions(20 * MINUTE, 10, seen=[seen]))

    assert with_error(None) == 1
    assert with_error(-400_000.0) == 1
    assert with_error(-600_000.0) == 0


@pytest.mark.parametrize(
    "sites",
    [[], [site(HERE, 0)], [site(HERE, 0), site(THERE, 200, latitude=None)], [site(HERE, 0), site(THERE, 0, latitude=0.0, longitude=0.0)]],
    ids=["no register", "one missing", "no place", "0, 0"],
)
def test_an_unknown_place_says_nothing(sites: list[Row]) -> None:
    assert suspicions(MINUTE, 200, sites=sites) == []


def test_who_sent_somebody_or_did_not_come_at_all_is_not_suspected() -> None:
    assert suspicions(MINUTE, 200, proxies=[proxy("CARD", "SON")]) == []
    assert len(suspicions(MINUTE, 200, proxies=[proxy("SON", "CARD")])) == 1
    assert suspicions(MINUTE, 200, {"fixmedins_code": THERE, "setl_id": "S-2", "latitude": 31.0, "longitude": 118.0}) == []
    assert suspicions(MINUTE, 200, opter_type="3") == []
    assert suspicions(MINUTE, 200, med_type="21") == []
    assert suspicions(MINUTE, 200, refund(3, of=2, psn_no="CARD", fixmedins_code=THERE)) == []
    stated = capture(2, psn_no="CARD", fixmedins_code=THERE, outcome="manual_verified", manual_reason="proxy", proxy_psn_no="SON")
    assert suspicions(MINUTE, 200, seen=[stated]) == []


def test_the_same_institution_and_other_cards_are_not() -> None:
    assert suspicions(MINUTE, 200, fixmedins_code=HERE) == []
    assert suspicions(MINUTE, 200, psn_no="OTHER") == []


def test_a_card_with_ten_thousand_settlements_costs_no_more_than_its_rows() -> None:
    billed = [
        settlement(n, psn_no="CARD", fixmedins_code=(HERE, THERE)[n % 2], setl_time=datetime(2026, 1, 1, tzinfo=UTC) + n * MINUTE)
        for n in range(10_000)
    ]
    assert len(world(billed, [], sites=[site(HERE, 0), site(THERE, 200)]).suspicions("GEO-01")) == 9_999
