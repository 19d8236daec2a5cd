"""CC-03: a face that uses many cards wherever it goes, and the carers, twins and posters who look like it."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from central.rules.base import Suspicion
from tests.central.analysis import Row, World, exemption, proxy
from tests.central.rules.test_cc_01 import used

world = partial(World, only=["CC-03"])

DAY = timedelta(days=1)


def spread(cards: int, gap: timedelta, **changes: Any) -> tuple[list[Row], list[Row]]:
    """One face with so many cards, each so long after the one before, at a site of its own each."""
    billed, seen = used(*[(f"C{n:03d}", n * gap) for n in range(cards)], **changes)
    for n in range(cards):
        billed[n]["fixmedins_code"] = seen[n]["fixmedins_code"] = f"P{n % 3:011d}"
    return billed, seen


def suspicions(*given: Any, **more: Any) -> list[Suspicion]:
    return world(*given, **more).suspicions("CC-03")


def test_five_cards_in_a_month_over_several_sites_are_suspected_at_the_last_one() -> None:
    (suspicion,) = suspicions(*spread(5, 2 * DAY))
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == ("42/cards", None, "high")
    assert suspicion.fixmedins_code == "P00000000001"
    assert suspicion.vola_evid["psn_nos"] == [f"C{n:03d}" for n in range(5)]
    for said in ("3家机构", "5名参保人", "30日内5人", "90日内10人", "代办人登记"):
        assert said in suspicion.vola_cont
    assert "5 insured persons at 3 institutions" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("cards", "gap", "number"),
    [
        (4, DAY, 0),
        (5, timedelta(days=7, hours=12), 1),
        (5, timedelta(days=7, hours=12, seconds=1), 0),
        (9, 9 * DAY, 0),
        (10, 10 * DAY, 1),
        (10, timedelta(days=10, seconds=1), 0),
    ],
)
def test_the_spans_hold_to_the_second(cards: int, gap: timedelta, number: int) -> None:
    assert len(suspicions(*spread(cards, gap))) == number


@pytest.mark.parametrize(
    "changes",
    [{"face_group": None}, {"face_band": "doubtful"}, {"outcome": "manual_verified"}, {"camera_fault": True}, {"distrusted": True}],
    ids=str,
)
def test_doubtful_and_explained_faces_do_not_count(changes: dict[str, Any]) -> None:
    assert suspicions(*spread(6, DAY, **changes)) == []


def test_a_carer_who_is_registered_for_all_is_not_suspected() -> None:
    carer = [proxy(f"C{n:03d}", "CARER") for n in range(6)]
    assert suspicions(*spread(6, DAY), carer) == []
    assert len(suspicions(*spread(6, DAY), carer[:1])) == 1, "one entry excuses one"


def test_persons_who_do_not_use_the_face_do_not_count() -> None:
    assert suspicions(*spread(5, DAY), exemptions=[exemption("C003")]) == []


def test_a_face_in_the_picture_everywhere_is_bounded() -> None:
    (suspicion,) = suspicions(*spread(20_000, timedelta(seconds=30)))
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
