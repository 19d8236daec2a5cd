"""Every indicator counted by hand beside what the engine counts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import pytest

from central.engines.choice import EngineName, EngineOptions, open_engine
from central.engines.duckdb import duckdb_in_memory
from central.indicators.expressions import plan
from central.indicators.model import BY_ID
from central.inputs import FOREVER
from central.linkage.model import LinkLimits
from central.reconciliation.compare import tables_of
from central.rules.model import IndicatorLimits
from tests.central.analysis import NOON, SITE, Row, capture, proxy, refund, settlement
from tests.central.indicators.counting import counted, counted_by

DAY = 20467
"""2026-01-14 in China: days since 1970."""
DOCTOR = "D99999900001"
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def site(**changes: Any) -> Row:
    return {"fixmedins_code": SITE, "kind": "P", "level": "0", "admdvs": "999999", "watched_from": LONG_AGO, "always_open": False} | changes


def of_site(found: dict[tuple[str, str, int], dict[str, tuple[int, int]]], day: int = DAY) -> dict[str, tuple[int, int]]:
    return found[SITE, "", day]


def test_nothing_gives_nothing() -> None:
    assert counted() == {}


def test_the_day_is_the_one_in_china() -> None:
    late = NOON.replace(hour=16)
    assert set(counted(settlements=[settlement(1, setl_time=late)])) == {(SITE, "", DAY + 1)}


def test_verified_counts_right_faces_checks_by_hand_and_registered_proxies() -> None:
    seen = [
        capture(1),
        capture(2, outcome="manual_verified"),
        capture(3, outcome="proxy"),
        capture(4, outcome="undecided"),
        capture(5, outcome="different"),
        capture(7, outcome="blind"),
    ]
    billed = [settlement(number) for number in range(1, 8)]
    assert of_site(counted(settlements=billed, captures=seen, sites=[site()]))["verified"] == (3, 6)


def test_a_claim_that_no_window_could_see_is_not_held_against_anybody() -> None:
    before = site(watched_from=NOON + timedelta(days=1))
    found = of_site(counted(settlements=[settlement(1), settlement(2)], captures=[capture(1)], sites=[before]))
    assert found["verified"] == (1, 1)


def test_refunded_settlements_stand_for_nothing_but_the_share_of_refunds() -> None:
    found = of_site(counted(settlements=[settlement(1), refund(2, of=1)], captures=[capture(1)], sites=[site()]))
    assert found == {"quick_refunds": (1, 1)}


def test_mismatch_counts_decided_faces_only_and_no_exempt_person_nor_one_with_a_registered_proxy() -> None:
    seen = [capture(1), *(capture(number, outcome="different") for number in (2, 3, 4)), capture(5, outcome="undecided")]
    found = counted(
        settlements=[settlement(number) for number in range(1, 6)],
        captures=seen,
        proxies=[proxy("PSN-3", "PSN-9")],
        exemptions=[{"psn_no": "PSN-4", "valid_from": LONG_AGO, "valid_to": FOREVER}],
    )
    assert of_site(found)["mismatch"] == (1, 2)


def test_an_empty_window_needs_frames_and_a_camera_without_fault() -> None:
    seen = [
        capture(1),
        capture(2, outcome="no_person"),
        capture(3, outcome="no_person", frames_seen=4),
        capture(4, outcome="no_person", camera_fault=True),
    ]
    found = counted(settlements=[settlement(number) for number in range(1, 5)], captures=seen)
    assert of_site(found)["empty_window"] == (1, 2)


def test_cards_of_a_face_are_counted_back_for_so_many_days_and_doubtful_faces_never() -> None:
    def visit(number: int, day: int, psn_no: str, face: int, band: str = "same") -> tuple[Row, Row]:
        at = NOON + timedelta(days=day, minutes=number)
        times = {"opened_at": at, "closed_at": at, "bound_setl_time": at}
        return settlement(number, setl_time=at, psn_no=psn_no), capture(number, psn_no=psn_no, face_group=face, face_band=band, **times)

    visits = [
        *(visit(1, 0, "A", 7), visit(2, 0, "B", 7), visit(3, 0, "B", 7), visit(4, 0, "C", 8)),
        *(visit(5, 2, "D", 7), visit(6, 3, "A", 7), visit(7, 3, "E", 7, "doubtful")),
    ]
    found = counted(IndicatorLimits(card_days=3), settlements=[each for each, _ in visits], captures=[each for _, each in visits])
    assert of_site(found)["cards_per_face"] == (3, 2)  # face 7: A and B; face 8: C
    assert of_site(found, DAY + 2)["cards_per_face"] == (3, 1)  # A, B and D within three days
    assert of_site(found, DAY + 3)["cards_per_face"] == (2, 1)  # D and A; B is out by now


def test_small_bills_are_up_to_the_limit_and_not_nothing() -> None:
    found = counted(settlements=[settlement(number, medfee_sumamt=fen) for number, fen in enumerate((0, 1, 5000, 5001))])
    assert of_site(found)["small_bills"] == (2, 4)


def test_only_quick_refunds_count_also_in_part() -> None:
    billed = [settlement(number) for number in (1, 2, 3)]
    back = [refund(4, of=1, fen=10), refund(13, of=2), refund(30, of=9)]
    assert of_site(counted(settlements=billed + back))["quick_refunds"] == (1, 3)


def test_traffic_counts_hours_in_which_every_entrance_was_seen() -> None:
    def hour(number: int, door: str, **changes: Any) -> Row:
        since = NOON + number * HOUR
        seen = {"since": since, "until": since + HOUR, "seen_us": 3600 * 10**6, "covered_us": 0, "failed_us": 0, "entered": 10}
        return {"device_id": "t1", "fixmedins_code": SITE, "window": door, "role": "entrance"} | seen | changes

    doors = [
        *(hour(0, "N"), hour(0, "S")),
        *(hour(1, "N"), hour(1, "S", seen_us=3400 * 10**6)),
        *(hour(2, "N", entered=None), hour(2, "S")),
    ]
    found = counted(settlements=[settlement(number) for number in (1, 59, 61, 121)], coverage=doors)
    assert of_site(found)["traffic"] == (2, 20)


def test_after_hours_respects_grace_midnight_emergencies_and_who_declared_nothing() -> None:
    def at(number: int, hour: float, **changes: Any) -> Row:
        return settlement(number, setl_time=NOON + timedelta(hours=hour - 12), **changes)

    hours = [
        {"fixmedins_code": SITE, "weekday": 3, "opens": 540, "closes": 1080},
        {"fixmedins_code": SITE, "weekday": 2, "opens": 1200, "closes": 60},
    ]
    billed = [at(1, 8.75), at(2, 8.5), at(3, 18.25), at(4, 18.5), at(5, 1.2), at(6, 1.5), at(7, 3, med_type="13")]
    found = counted(settlements=billed, hours=hours)
    assert of_site(found)["after_hours"] == (3, 6)
    assert "after_hours" not in of_site(counted(settlements=billed))
    assert "after_hours" not in of_site(counted(settlements=billed, hours=hours, sites=[site(always_open=True)]))


def test_staff_present_does_not_count_staff_who_pay_for_themselves() -> None:
    seen = [capture(1, staff_face=False), capture(2, staff_face=True), capture(3, staff_face=True), capture(4)]
    works = {"fixmedins_code": SITE, "psn_no": "PSN-3", "role": "clerk", "code": None, "valid_from": LONG_AGO, "valid_to": FOREVER}
    found = counted(settlements=[settlement(number) for number in range(1, 5)], captures=seen, staff=[works])
    assert of_site(found)["staff_present"] == (1, 2)


def test_ward_sign_in_leaves_out_edges_leave_and_days_on_which_nobody_could_tell() -> None:
    def stay(name: str, first: int, last: int | None) -> Row:
        end = None if last is None else NOON + timedelta(days=last)
        return {"fixmedins_code": SITE, "mdtrt_id": name, "psn_no": name, "admitted_at": NOON + timedelta(days=first), "discharged_at": end}

    def look(name: str, day: int, outcome: str) -> Row:
        return {
            "fixmedins_code": SITE,
            "mdtrt_id": name,
            "psn_no": name,
            "place": "bed",
            "at": NOON + timedelta(days=day),
            "outcome": outcome,
        }

    away = {"fixmedins_code": SITE, "mdtrt_id": "C", "leave_from": NOON, "leave_to": NOON + HOUR, "reason": "leave"}
    found = counted(
        stays=[
            *(stay("A", -2, None), stay("B", -2, 2), stay("C", -2, 2), stay("D", 0, 2), stay("E", -2, 0), stay("F", -2, 2)),
            stay("G", -2, 2) | {"ward": "without rounds"},
        ],
        rounds=[look("A", 0, "same"), look("A", 0, "absent"), look("B", 0, "absent"), look("F", 0, "blind"), look("F", 0, "absent")],
        leaves=[away],
    )
    assert of_site(found)["ward_sign_in"] == (1, 2)


def test_a_doctor_signs_in_for_half_days_and_only_since_the_site_keeps_sign_ins() -> None:
    def at(number: int, hour: float, **changes: Any) -> Row:
        return settlement(number, setl_time=NOON + timedelta(hours=hour - 12), **({"dr_codg": DOCTOR} | changes))

    signed = {"fixmedins_code": SITE, "code": DOCTOR, "signed_at": NOON - 3 * HOUR, "left_at": None}
    billed = [at(1, 10), at(2, 14), at(3, 8), at(4, 10, dr_codg=None)]
    morning = counted(settlements=billed, sign_ins=[signed])
    assert of_site(morning)["doctor_sign_in"] == (1, 2)
    assert morning[SITE, DOCTOR, DAY]["doctor_sign_in"] == (1, 2)
    all_day = counted(settlements=billed, sign_ins=[signed | {"left_at": NOON + 5 * HOUR}])
    assert of_site(all_day)["doctor_sign_in"] == (2, 2)
    assert "doctor_sign_in" not in of_site(counted(settlements=billed))


def test_devices_online_counts_silent_hours_with_settlements_between_reports_only() -> None:
    def hour(number: int, seen_minutes: int) -> Row:
        since = NOON + number * HOUR
        named = {"device_id": "t1", "fixmedins_code": SITE, "window": "W1", "role": "window", "since": since, "until": since + HOUR}
        return named | {"seen_us": seen_minutes * 60 * 10**6, "covered_us": 0, "failed_us": 0}

    billed = [settlement(number) for number in (61, 62, 200, 300)]  # hours 1, 1, 3, 5
    found = counted(settlements=billed, coverage=[hour(0, 60), hour(2, 30), hour(4, 60)])
    assert of_site(found)["devices_online"] == (150, 300)


def test_trace_codes_are_those_of_medicines_in_settlements_that_stand() -> None:
    def line(number: int, setl: int, code: str | None, kind: str = "101") -> Row:
        return {
            "fixmedins_code": SITE,
            "setl_id": f"S-{setl}",
            "feedetl_sn": str(number),
            "list_type": kind,
            "cnt": 1000,
            "drug_trac_codg": code,
        }

    lines = [line(1, 1, "8" * 20), line(2, 1, None), line(3, 1, ""), line(4, 1, None, "201"), line(5, 2, None)]
    found = counted(settlements=[settlement(1, dr_codg=DOCTOR), settlement(2), refund(3, of=2)], details=lines)
    assert of_site(found)["trace_codes"] == found[SITE, DOCTOR, DAY]["trace_codes"] == (1, 3)


def test_doctors_have_rows_of_their_own_and_the_institution_has_all() -> None:
    found = counted(settlements=[settlement(1, dr_codg=DOCTOR), settlement(2, medfee_sumamt=9999)])
    assert found[SITE, DOCTOR, DAY]["small_bills"] == (1, 1)
    assert of_site(found)["small_bills"] == (1, 2)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "pyspark"])
def test_every_engine_is_spoken_to_in_its_own_sql(dialect: str) -> None:
    if dialect == "pyspark":
        assert ibis.pyspark is not None  # Ibis registers what its compiler asks for
    made = plan(tables_of(LinkLimits(), dialect), IndicatorLimits(), dialect)
    assert len(made.steps) == 12
    assert "finding_outcomes" in made.steps[-1].sql


def busy_day() -> dict[str, list[Row]]:
    """Something to count for every indicator."""
    times = {"since": NOON, "until": NOON + HOUR, "seen_us": 3600 * 10**6, "covered_us": 0, "failed_us": 0}
    here = {"fixmedins_code": SITE}
    outcomes = ("same", "different", "no_person", "undecided", "manual_verified", "blind")
    return {
        "settlements": [*(settlement(n, dr_codg=DOCTOR if n % 2 else None, medfee_sumamt=2000 * n) for n in range(1, 9)), refund(9, of=8)],
        "captures": [
            capture(n, outcome=each, face_group=n // 2, face_band="same", staff_face=n == 1) for n, each in enumerate(outcomes, 1)
        ],
        "coverage": [here | times | {"device_id": "t1", "window": each, "role": each, "entered": 4} for each in ("window", "entrance")],
        "sites": [site()],
        "hours": [here | {"weekday": 3, "opens": 540, "closes": 722}],
        "sign_ins": [here | {"code": DOCTOR, "signed_at": NOON - HOUR, "left_at": None}],
        "details": [here | {"setl_id": "S-1", "feedetl_sn": "1", "list_type": "101", "cnt": 1000, "drug_trac_codg": "8" * 20}],
        "stays": [here | {"mdtrt_id": "A", "psn_no": "A", "admitted_at": NOON - 48 * HOUR, "discharged_at": None}],
        "rounds": [here | {"mdtrt_id": "A", "psn_no": "A", "place": "bed", "at": NOON, "outcome": "same"}],
    }


def test_postgresql_counts_what_duckdb_counts() -> None:
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with duckdb_in_memory() as analysis:
        here = counted_by(analysis, busy_day())
    silent = {name for name in BY_ID if not any(row[f"{name}_of"] for row in here)}
    assert silent == {"confirmed", "overdue"}  # these are read from the findings
    with open_engine(EngineName.POSTGRES, EngineOptions(memory_mb=512, threads=1)) as analysis:
        assert counted_by(analysis, busy_day()) == here
