"""DTH-01: a card used after its owner's death, and the bills that come after a death by right."""

from datetime import datetime
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import NOON, SITE, Row, World, capture, refund, settlement
from tests.central.rules.lines import china, keys, stay

world = partial(World, only=["DTH-01"])
DEAD = {"psn_no": "PSN-1", "death_date": china(10, 0)}


def found(at: datetime = NOON, extra: Any = (), seen: Any = (), persons: Any = (DEAD,), stays: Any = (), **changes: Any) -> list[str]:
    billed = [settlement(1, setl_time=at, **changes), *extra]
    return keys(world(billed, seen, persons=persons, stays=stays).suspicions("DTH-01"))


def test_a_card_used_after_death_is_suspected() -> None:
    (suspicion,) = world([settlement(1)], [], persons=[DEAD]).suspicions("DTH-01")
    assert (suspicion.subject_key, suspicion.psn_no, suspicion.sev_deg) == ("PSN-1/P99999900001", "PSN-1", "high")
    assert suspicion.occurred_at == NOON.replace(minute=1)
    assert "死亡日期为2026-01-10" in suspicion.vola_cont
    assert "died on 2026-01-10" in suspicion.vola_cont_en
    assert "30" in suspicion.vola_cont_en


@pytest.mark.parametrize(("at", "late"), [(china(10, 23, 59, 59), False), (china(11, 0), True), (china(9), False)])
def test_the_whole_day_of_death_is_still_his(at: datetime, late: bool) -> None:
    assert bool(found(at)) is late


@pytest.mark.parametrize(
    ("changes", "late"),
    [
        ({"med_type": "21", "begndate": china(5)}, False),
        ({"med_type": "52", "begndate": china(5)}, False),
        ({"med_type": "1301", "begndate": china(10, 23)}, False),
        ({"med_type": "21", "begndate": None}, False),
        ({"med_type": "21", "begndate": china(12)}, True),
        ({"med_type": "11", "begndate": china(5)}, True),
    ],
    ids=["his last stay", "a birth", "the emergency of that night", "begin unknown", "a stay begun after death", "an outpatient"],
)
def test_the_last_bill_may_come_later(changes: Row, late: bool) -> None:
    assert bool(found(**changes)) is late


@pytest.mark.parametrize(("at", "late"), [(china(40, 23, 59, 59), False), (china(41, 0), True)])
def test_but_not_for_ever(at: datetime, late: bool) -> None:
    assert bool(found(at, med_type="21", begndate=china(5))) is late


def test_a_stay_and_a_bill_tell_of_a_death_too() -> None:
    assert found(persons=(), stays=[stay(discharged_at=china(10, 4), dscg_way="5")]) == ["PSN-1/P99999900001"]
    assert found(persons=(), stays=[stay(discharged_at=china(10, 4), dscg_way="1")]) == []
    died = settlement(2, psn_no="PSN-1", med_type="21", setl_time=china(10), enddate=china(10), dscg_way="5")
    assert found(persons=(), extra=[died]) == ["PSN-1/P99999900001"]


def test_registers_that_contradict_each_other_count_for_the_person() -> None:
    assert found(china(11), stays=[stay(discharged_at=china(12, 4), dscg_way="5")]) == []


def test_who_was_seen_alive_afterwards_did_not_die() -> None:
    billed = {"extra": [settlement(2, psn_no="PSN-1", setl_time=china(15))]}
    at = {"psn_no": "PSN-1", "opened_at": china(15), "closed_at": china(15)}
    assert found(**billed, seen=[capture(2, **at)]) == []
    both = ["PSN-1/P99999900001"]
    assert found(**billed, seen=[capture(2, **at, liveness="not_evaluated")]) == both
    assert found(**billed, seen=[capture(2, **at, outcome="undecided")]) == both


def test_refunds_others_and_unknown_days_are_left_out() -> None:
    assert found(extra=[refund(2, of=1)]) == []
    assert found(psn_no="PSN-9") == []
    assert found(persons=[DEAD | {"death_date": None}]) == []
    assert found(persons=()) == []


def test_a_card_used_ten_thousand_times_is_one_bounded_finding() -> None:
    billed = [settlement(number, psn_no="PSN-1", setl_time=china(14)) for number in range(10_000)]
    (suspicion,) = world(billed, [], persons=[DEAD]).suspicions("DTH-01")
    assert suspicion.vola_evid["seen"]["bills"] == 10_000
    assert len(suspicion.vola_evid["setl_ids"]) == 1000


def test_each_institution_answers_for_itself() -> None:
    assert found(extra=[settlement(2, psn_no="PSN-1", fixmedins_code="H11010000001")]) == ["PSN-1/H11010000001", f"PSN-1/{SITE}"]
