"""DOC-02: one doctor in two places, and those who could have driven."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, Row, World
from tests.central.rules.lines import OTHER, THIRD, china, keys, sign_in

world = partial(World, only=["DOC-02"])
DEGREE_KM = 111.195  # of latitude, on the sphere of the rule
FOUND = [f"D1/{SITE}-{OTHER}-20467"]


def sites(km: float = 60, **changes: Any) -> list[Row]:
    """The first institution, and another so far to the north."""
    first = {"fixmedins_code": SITE, "latitude": 30.0, "longitude": 120.0}
    return [first, {"fixmedins_code": OTHER, "latitude": 30.0 + km / DEGREE_KM, "longitude": 120.0} | changes]


def found(minutes: float = 40, km: float = 60, places: Any = None, signed: Any = ()) -> list[str]:
    start = china(14, 8)
    rows = [sign_in("D1", start), sign_in("D1", start + timedelta(minutes=minutes), fixmedins_code=OTHER), *signed]
    return keys(world([], [], sign_ins=rows, sites=sites(km) if places is None else places).suspicions("DOC-02"))


def test_sixty_kilometres_in_forty_minutes_are_suspected() -> None:
    rows = [sign_in("D1", china(14, 8)), sign_in("D1", china(14, 8, 40), fixmedins_code=OTHER)]
    (suspicion,) = world([], [], sign_ins=rows, sites=sites()).suspicions("DOC-02")
    assert ([suspicion.subject_key], suspicion.fixmedins_code, suspicion.sev_deg) == (FOUND, OTHER, "high")
    assert (suspicion.psn_no, suspicion.vola_amt, suspicion.vola_evid["setl_ids"]) == (None, 0, [])
    assert "直线距离60.0公里，最短间隔仅40分钟" in suspicion.vola_cont
    assert "60.0 km apart, 1 times with as little as 40 minutes" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("minutes", "km", "suspected"),
    [(44, 60, True), (46, 60, False), (29, 5, True), (30, 5, False), (0, 1, True), (5, 0.4, False), (0, 0, False), (600, 900, True)],
    ids=["just too fast", "by road", "near, too fast", "near, in time", "at once", "next door", "the same house", "another province"],
)
def test_what_the_way_takes(minutes: float, km: float, suspected: bool) -> None:
    assert bool(found(minutes, km)) is suspected


@pytest.mark.parametrize(
    "changes", [{"latitude": None}, {"longitude": None}, {"fixmedins_code": THIRD}, {"latitude": 0.0, "longitude": 0.0}]
)
def test_an_unknown_place_could_be_next_door(changes: Row) -> None:
    assert found(places=sites(**changes)) == []
    assert found(places=[]) == []


def test_to_and_fro_is_one_finding_and_the_way_back_counts_too() -> None:
    back = [sign_in("D1", china(14, 9)), sign_in("D1", china(14, 9, 20), fixmedins_code=OTHER)]
    assert found(signed=back) == FOUND
    rows = [sign_in("D1", china(14, 9)), sign_in("D1", china(14, 8, 40), fixmedins_code=OTHER)]
    assert keys(world([], [], sign_ins=rows, sites=sites()).suspicions("DOC-02")) == FOUND


def test_a_sign_out_that_a_device_did_by_itself_accuses_nobody() -> None:
    rows = [sign_in("D1", china(14, 8), left_at=china(14, 12)), sign_in("D1", china(14, 10), fixmedins_code=OTHER)]
    assert world([], [], sign_ins=rows, sites=sites()).suspicions("DOC-02") == []


def test_two_doctors_and_unknown_codes_are_not() -> None:
    rows = [sign_in("D1", china(14, 8)), sign_in("D2", china(14, 8, 10), fixmedins_code=OTHER)]
    assert world([], [], sign_ins=rows, sites=sites()).suspicions("DOC-02") == []
    nobody = [row | {"code": None} for row in rows]
    assert world([], [], sign_ins=nobody, sites=sites()).suspicions("DOC-02") == []


def test_a_code_used_thousands_of_times_is_bounded() -> None:
    rows = [sign_in("D1", china(14, 8) + timedelta(seconds=n), fixmedins_code=(SITE, OTHER)[n % 2]) for n in range(5000)]
    (suspicion,) = world([], [], sign_ins=rows, sites=sites()).suspicions("DOC-02")
    assert suspicion.vola_evid["seen"]["times"] == 4999
