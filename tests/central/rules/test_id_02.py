"""ID-02: a stated proxy with another face, a proxy of too many, and the proxies who are honest."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import NOON, SITE, Row, World, capture, exemption, proxy, refund, settlement

world = partial(World, only=["ID-02"])

STATED = {"outcome": "different", "similarity": 0.2, "manual_reason": "proxy", "proxy_psn_no": "MUM"}
KNOWN = {"known_since": datetime(2026, 1, 1, tzinfo=UTC)}
SUBJECT = f"MUM/{SITE}:S-1"


def found(*proxies: Row, exemptions: Any = (), extra: Any = (), **changes: Any) -> list[str]:
    """Subjects suspected when one capture with a stated proxy looks like this."""
    suspected = world([settlement(1), *extra], [capture(1, **STATED | changes)], proxies, exemptions=exemptions).suspicions("ID-02")
    return [each.subject_key for each in suspected]


def test_a_stated_proxy_who_is_registered_and_known_but_not_the_face_is_suspected() -> None:
    (suspicion,) = world([settlement(1)], [capture(1, **STATED)], [proxy("PSN-1", "MUM", **KNOWN)]).suspicions("ID-02")
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == (SUBJECT, "PSN-1", "med")
    for said in ("代办人MUM", "窗口存有其人脸", "不少于3帧", "代办本身合法"):
        assert said in suspicion.vola_cont
    for said in ("proxy MUM", "window knows the face", "Being a proxy is legal"):
        assert said in suspicion.vola_cont_en


def test_a_stated_proxy_without_entry_is_suspected_as_such() -> None:
    (suspicion,) = world([settlement(1)], [capture(1, **STATED)]).suspicions("ID-02")
    assert "没有有效的代办登记" in suspicion.vola_cont
    assert "not registered for that time" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("entry", "subjects"),
    [
        (proxy("PSN-1", "MUM"), []),
        (proxy("PSN-1", "DAD"), []),
        (proxy("PSN-1", "MUM", known_since=NOON - timedelta(hours=24) + timedelta(minutes=1)), []),
        (proxy("PSN-1", "MUM", known_since=NOON - timedelta(hours=24)), [SUBJECT]),
        (proxy("PSN-1", "MUM", valid_to=NOON), [SUBJECT]),
        (proxy("PSN-2", "MUM"), [SUBJECT]),
    ],
    ids=["face not known", "another proxy's face not known", "known since later", "known before", "entry ended", "somebody else's"],
)
def test_a_registered_face_that_windows_do_not_know_accuses_nobody(entry: Row, subjects: list[str]) -> None:
    assert found(entry) == subjects


@pytest.mark.parametrize(
    "changes",
    [
        *({"outcome": outcome} for outcome in ("same", "undecided", "proxy", "manual_verified", "blind", "no_person")),
        {"frames_used": 2},
        {"camera_fault": True},
        {"distrusted": True},
        {"proxy_psn_no": None},
    ],
    ids=str,
)
def test_everything_else_is_not(changes: dict[str, Any]) -> None:
    assert found(**changes) == []


def test_exempt_persons_exempt_proxies_and_refunds_are_not() -> None:
    assert found(exemptions=[exemption("PSN-1")]) == []
    assert found(exemptions=[exemption("MUM")]) == []
    assert found(extra=[refund(2, of=1)]) == []


def served(people: int, gap: timedelta, **changes: Any) -> list[Any]:
    """One recognised proxy who serves so many people, each so long after the one before."""
    billed, seen = [], []
    for n in range(people):
        at = NOON + n * gap
        billed.append(settlement(n, setl_time=at))
        stated = {"outcome": "proxy", "manual_reason": "proxy", "proxy_psn_no": "CARER"}
        seen.append(capture(n, **stated | {"opened_at": at, "closed_at": at} | changes))
    return list(world(billed, seen).suspicions("ID-02"))


def test_a_proxy_of_six_people_in_a_month_is_told_of_and_five_are_a_family() -> None:
    (suspicion,) = served(6, timedelta(days=6))
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == ("CARER/people", "CARER", "med")
    assert suspicion.vola_evid["psn_nos"] == [f"PSN-{n}" for n in range(6)]
    for said in ("6名参保人", "30日内超过5人", "护理机构"):
        assert said in suspicion.vola_cont
    assert "nursing home" in suspicion.vola_cont_en
    assert served(5, timedelta(minutes=1)) == []
    assert served(6, timedelta(days=6, seconds=1)) == []


def test_a_proxy_who_comes_for_himself_and_settlements_that_were_given_up_do_not_count() -> None:
    assert served(6, timedelta(minutes=5), proxy_psn_no=None) == []
    assert served(6, timedelta(minutes=5), voided=True) == []
    assert served(6, timedelta(minutes=5), psn_no="CARER") == []


def test_a_proxy_with_ten_thousand_settlements_is_bounded() -> None:
    (suspicion,) = served(10_000, timedelta(minutes=1))
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
