"""DOC-01: billed in the name of somebody who was not there, and the days on which nobody can say so."""

from datetime import datetime
from functools import partial
from typing import Any

import pytest

from tests.central.analysis import SITE, Row, World, refund, settlement
from tests.central.rules.lines import china, keys, line, sign_in

world = partial(World, only=["DOC-01"])
FOUND = ["P99999900001/D1-20467-doctor"]


def register(*own: Row, days: Any = range(10, 20)) -> list[Row]:
    """A colleague who signs in twice a day and bills too, and what the doctor D1 did."""
    return [sign_in("D2", china(day, hour)) for day in days for hour in (8, 13)] + list(own)


def found(*own: Row, at: datetime = china(14, 10), paid: datetime | None = None, signed: Any = None, **changes: Any) -> list[str]:  # noqa: B008
    bills = [settlement(1, setl_time=paid or at), settlement(2, setl_time=china(14, 9))]
    lines = [line(1, **{"fee_ocur_time": at, "bilg_dr_codg": "D1"} | changes), line(2, fee_ocur_time=china(14, 9), bilg_dr_codg="D2")]
    return keys(world(bills, [], details=lines, sign_ins=register(*own) if signed is None else signed).suspicions("DOC-01"))


def test_a_doctor_who_had_not_signed_in_is_suspected_and_his_patients_are_not() -> None:
    bills = [settlement(1, setl_time=china(14, 10)), settlement(2, setl_time=china(14, 9))]
    lines = [line(1, fee_ocur_time=china(14, 9, 50), bilg_dr_codg="D1"), line(2, fee_ocur_time=china(14, 9), bilg_dr_codg="D2")]
    (suspicion,) = world(bills, [], details=lines, sign_ins=register()).suspicions("DOC-01")
    assert ([suspicion.subject_key], suspicion.psn_no, suspicion.sev_deg) == (FOUND, None, "med")
    assert (suspicion.vola_evid["setl_ids"], suspicion.vola_evid["psn_nos"], float(suspicion.vola_amt)) == (["S-1"], [], 20.0)
    assert "以医师D1名义开具（调配）并结算1笔（费用发生2026-01-14 09:50:00" in suspicion.vola_cont
    assert "under doctor D1" in suspicion.vola_cont_en


@pytest.mark.parametrize(
    ("signed", "left", "at", "absent"),
    [
        (china(14, 8), None, china(14, 10), False),
        (china(14, 11), None, china(14, 10), False),
        (china(14, 8), None, china(14, 12, 59), False),
        (china(14, 8), None, china(14, 13, 1), True),
        (china(14, 11, 30), None, china(14, 16), False),
        (china(14, 8), china(14, 17), china(14, 16), False),
        (china(14, 8), china(14, 12, 20), china(14, 16), True),
        (china(13, 20), china(14, 7), china(14, 3), False),
        (china(13, 8), None, china(14, 10), True),
        (china(14, 13), None, china(14, 10), True),
    ],
    ids=["before", "late", "ran over", "afternoon", "just before noon", "all day", "went home", "night duty", "yesterday", "afterwards"],
)
def test_the_half_day_of_the_sign_in_counts(signed: datetime, left: datetime | None, at: datetime, absent: bool) -> None:
    assert found(sign_in("D1", signed, left_at=left), at=at) == (FOUND if absent else [])


def test_a_bill_paid_later_counts_when_it_was_prescribed_or_paid() -> None:
    assert found(sign_in("D1", china(14, 8)), paid=china(15, 16)) == []
    assert found(sign_in("D1", china(15, 13)), paid=china(15, 16)) == []
    assert found(sign_in("D1", china(15, 8)), paid=china(15, 16)) == FOUND


def test_a_sign_in_elsewhere_is_none_here() -> None:
    assert found(sign_in("D1", china(14, 8), fixmedins_code="H11010000001")) == FOUND


def test_where_doctors_sign_once_a_day_that_can_be_set() -> None:
    own = [sign_in("D1", china(14, 8))]
    bills = [settlement(1, setl_time=china(14, 16)), settlement(2)]
    lines = [line(1, fee_ocur_time=china(14, 16), bilg_dr_codg="D1"), line(2, fee_ocur_time=china(14, 9), bilg_dr_codg="D2")]
    given: dict[str, Any] = {"details": lines, "sign_ins": register(*own)}
    assert keys(world(bills, [], **given).suspicions("DOC-01")) == FOUND
    assert keys(world(bills, [], parameters={"DOC-01": {"sign_in_halves": 2}}, **given).suspicions("DOC-01")) == []


@pytest.mark.parametrize(
    "signed",
    [
        [],
        [row | {"fixmedins_code": "H11010000001"} for row in register()],
        [row | {"code": "Y1"} for row in register()],
        register(days=(10, 12)),
        register(days=(16, 18)),
        [*register(days=(13, 15)), sign_in("D3", china(13, 8))],
    ],
    ids=["no register", "another institution's", "not of doctors", "ended before", "began later", "the device was down that day"],
)
def test_registers_that_cannot_say_so(signed: list[Row]) -> None:
    assert found(signed=signed) == []


def test_the_only_doctor_of_a_clinic_is_missed_on_his_day_off() -> None:
    own = [sign_in("D1", china(day, 8)) for day in (12, 13, 15)]
    assert FOUND[0] in found(signed=own)
    assert FOUND[0] not in found(signed=[*own, sign_in("D1", china(14, 8))])


def test_pharmacists_answer_for_what_they_handed_out() -> None:
    bills = [settlement(1, setl_time=china(14, 10)), settlement(2, setl_time=china(14, 9))]
    lines = [line(1, fee_ocur_time=china(14, 10), phar_code="Y1"), line(2, fee_ocur_time=china(14, 9), phar_code="Y2")]
    others = [row | {"code": "Y2"} for row in register()]
    (suspicion,) = world(bills, [], details=lines, sign_ins=others).suspicions("DOC-01")
    assert suspicion.subject_key == "P99999900001/Y1-20467-pharmacist"
    assert "以药师Y1名义" in suspicion.vola_cont
    assert world(bills, [], details=lines, sign_ins=register()).suspicions("DOC-01") == [], "doctors sign in there, pharmacists do not"


def test_one_code_as_doctor_and_as_pharmacist_is_two_things() -> None:
    bills = [settlement(1, setl_time=china(14, 10)), settlement(2, setl_time=china(14, 9))]
    lines = [
        line(1, fee_ocur_time=china(14, 10), bilg_dr_codg="D1", phar_code="D1"),
        line(2, fee_ocur_time=china(14, 9), bilg_dr_codg="D2", phar_code="D2"),
    ]
    found = world(bills, [], details=lines, sign_ins=register()).suspicions("DOC-01")
    assert sorted(keys(found)) == [*FOUND, "P99999900001/D1-20467-pharmacist"]


def test_a_bill_without_lines_is_judged_by_its_visit() -> None:
    bills = [settlement(1, setl_time=china(14, 16), dr_codg="D1"), settlement(2, dr_codg="D2")]
    assert keys(world(bills, [], sign_ins=register()).suspicions("DOC-01")) == FOUND
    morning = register(sign_in("D1", china(14, 8)))
    assert world(bills, [], sign_ins=morning).suspicions("DOC-01") == [], "prescribed in the morning, paid in the afternoon"
    before = register(sign_in("D1", china(12, 8)))
    bills[0]["begndate"] = china(12, 9)
    assert world(bills, [], sign_ins=before).suspicions("DOC-01") == []


def test_stays_refunds_and_unknown_moments_are_left_out() -> None:
    lines = [line(1, fee_ocur_time=china(14, 10), bilg_dr_codg="D1"), line(2, fee_ocur_time=china(14, 9), bilg_dr_codg="D2")]
    for first in ([settlement(1, med_type="21")], [settlement(1), refund(3, of=1)]):
        assert world([*first, settlement(2)], [], details=lines, sign_ins=register()).suspicions("DOC-01") == []
    assert found(fee_ocur_time=None) == []


def test_a_doctor_with_two_thousand_bills_is_one_bounded_finding() -> None:
    bills = [settlement(n, setl_time=china(14, 10)) for n in range(2000)] + [settlement(9999)]
    lines = [line(n, fee_ocur_time=china(14, 10), bilg_dr_codg="D1") for n in range(2000)]
    lines.append(line(9999, fee_ocur_time=china(14), bilg_dr_codg="D2"))
    (suspicion,) = world(bills, [], details=lines, sign_ins=register()).suspicions("DOC-01")
    assert suspicion.vola_evid["seen"]["bills"] == 2000
    assert len(suspicion.vola_evid["setl_ids"]) == 1000
    assert SITE in suspicion.vola_cont
