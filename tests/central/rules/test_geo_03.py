"""GEO-03: another city without filing, a phone far away, and every reason for either."""

from functools import partial
from typing import Any

import pytest

from central.rules.base import Suspicion
from tests.central.analysis import NOON, SITE, Row, World, refund, settlement
from tests.central.rules.test_geo_01 import site

world = partial(World, only=["GEO-03"])

SOMEBODYS = {"psn_no": "X", "mdtrtarea_admvs": "320100", "valid_from": NOON.replace(day=1), "valid_to": NOON.replace(day=30)}
NANJING, HEFEI = "320102", "340102"


def suspicions(*more: Row, filings: Any = (SOMEBODYS,), **changes: Any) -> list[Suspicion]:
    """Somebody from Hefei in Nanjing; at least somebody's filing is here."""
    areas = {"mdtrtarea_admvs": NANJING, "insuplc_admdvs": HEFEI}
    return world([settlement(1, **areas | changes), *more], [], filings=filings).suspicions("GEO-03")


def test_another_city_without_filing_is_told() -> None:
    (suspicion,) = suspicions()
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (f"PSN-1/{SITE}:S-1:area", "PSN-1", "low")
    for said in (HEFEI, NANJING, "没有覆盖该地的异地就医备案", "跨市"):
        assert said in suspicion.vola_cont
    assert "no filing" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("home", "number"),
    [("320105", 0), ("320200", 1), ("", 0), (None, 0), ("32", 0)],
    ids=["the same city", "another city of the province", "empty", "not said", "cut off"],
)
def test_only_a_known_other_city_counts(home: str | None, number: int) -> None:
    assert len(suspicions(insuplc_admdvs=home)) == number


def test_a_municipality_is_one_city() -> None:
    assert suspicions(mdtrtarea_admvs="500112", insuplc_admdvs="500243") == []
    assert len(suspicions(mdtrtarea_admvs="500112", insuplc_admdvs="510104")) == 1


@pytest.mark.parametrize(
    ("area", "number"),
    [("320000", 0), ("320100", 0), ("320102", 0), ("320106", 0), ("320200", 1), ("330000", 1)],
    ids=["the province", "the city", "the district", "another district of it", "another city", "another province"],
)
def test_a_filing_covers_its_place(area: str, number: int) -> None:
    assert len(suspicions(filings=[SOMEBODYS | {"psn_no": "PSN-1", "mdtrtarea_admvs": area}])) == number


def test_a_filing_that_had_ended_covers_nothing_and_an_empty_register_was_not_delivered() -> None:
    assert len(suspicions(filings=[SOMEBODYS | {"psn_no": "PSN-1", "valid_to": NOON}])) == 1
    assert suspicions(filings=[]) == []


def test_emergencies_personal_accounts_and_refunds_are_not() -> None:
    assert suspicions(med_type="13") == []
    assert suspicions(med_type="1301") == []
    assert suspicions(fund_pay_sumamt=0) == []
    assert suspicions(refund(2, of=1)) == []


def phone(distance_km: float, **changes: Any) -> list[Suspicion]:
    """A mobile payment ordered so far away from the pharmacy."""
    place = {"fixmedins_code": SITE, "setl_id": "S-1"} | {name: site(SITE, distance_km)[name] for name in ("latitude", "longitude")}
    return world([settlement(1)], [], sites=[site(SITE, 0)], places=[place | changes]).suspicions("GEO-03")


def test_a_phone_far_away_is_told_as_a_distance_only() -> None:
    (suspicion,) = phone(12)
    assert (suspicion.subject_key, suspicion.sev_deg) == (f"PSN-1/{SITE}:S-1:place", "low")
    for said in ("约12公里", "超过5公里", "代家人支付"):
        assert said in suspicion.vola_cont
    assert "about 12 km" in suspicion.vola_cont_en
    assert "latitude" not in str(suspicion.vola_evid)


@pytest.mark.parametrize(("distance_km", "number"), [(4.99, 0), (5.01, 1)])
def test_the_distance_holds(distance_km: float, number: int) -> None:
    assert len(phone(distance_km)) == number


@pytest.mark.parametrize("place", [{"latitude": 0.0, "longitude": 0.0}, {"latitude": None}, {"longitude": None}], ids=str)
def test_a_place_that_is_not_known_says_nothing(place: dict[str, Any]) -> None:
    assert phone(12, **place) == []
