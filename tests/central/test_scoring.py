"""Score of findings against a known truth."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from central.errors import BadInput
from central.rules.base import Suspicion
from central.scoring import Case, Kind, read_truth, score, write_truth

SITE = "P99999900001"
LATE = datetime(2026, 6, 3, 17, tzinfo=UTC)
"""Already the fourth of June in China."""


def finding(rule_id: str = "ID-01", setl_ids: tuple[str, ...] = (), **changes: Any) -> Suspicion:
    capture_ids, psn_nos = changes.pop("capture_ids", ()), changes.pop("psn_nos", ())
    evidence = {"capture_ids": list(capture_ids), "setl_ids": list(setl_ids), "psn_nos": list(psn_nos), "seen": {}}
    said = {"vola_cont": "", "vola_cont_en": "", "vola_amt": Decimal(1), "sev_deg": "high", "vola_bhvr_type": "", "legal_basis": ""}
    known = {"rule_id": rule_id, "rule_version": 1, "rule_name": "", "subject_key": f"{SITE}/{'+'.join(setl_ids)}", "limits": {}}
    where = {"fixmedins_code": SITE, "psn_no": None, "occurred_at": LATE, "vola_evid": evidence}
    return Suspicion(**(said | known | where | changes))


def case(case_id: str, kind: Kind = Kind.PLANTED, rule_id: str = "ID-01", **changes: Any) -> Case:
    return Case(rule_id=rule_id, case_id=case_id, kind=kind, **changes)


def test_a_planted_case_is_found_by_one_of_its_settlements_or_captures() -> None:
    truth = [case("a", setl_ids=("S1", "S2")), case("b", capture_ids=("c7",)), case("c", setl_ids=("S9",))]
    seen = score([finding(setl_ids=("S2", "S77")), finding(capture_ids=("c7",))], truth).rules["ID-01"]
    assert (seen.planted, seen.found, seen.missed, seen.false, seen.precision) == (3, 2, ("c",), 0, 1.0)


def test_a_finding_that_meets_nothing_is_false_and_named() -> None:
    seen = score([finding(setl_ids=("S1",)), finding(setl_ids=("S5",))], [case("a", setl_ids=("S1",))]).rules["ID-01"]
    assert (seen.found, seen.false, seen.precision, seen.strays) == (1, 1, 0.5, (f"{SITE}/S5",))


def test_an_accused_look_alike_is_false_and_named() -> None:
    truth = [case("twin", Kind.INNOCENT, look_alike="twins", setl_ids=("S1",)), case("proxy", Kind.INNOCENT, setl_ids=("S2",))]
    seen = score([finding(setl_ids=("S1",)), finding(setl_ids=("S1",), subject_key="again")], truth).rules["ID-01"]
    assert (seen.look_alikes, seen.look_alikes_accused, seen.accused, seen.false) == (2, 1, ("twin",), 2)


def test_a_finding_that_names_both_finds_the_one_and_accuses_the_other() -> None:
    truth = [case("a", setl_ids=("S1",)), case("b", Kind.INNOCENT, setl_ids=("S2",))]
    seen = score([finding(setl_ids=("S1", "S2"))], truth).rules["ID-01"]
    assert (seen.found, seen.false, seen.look_alikes_accused) == (1, 0, 1)


def test_another_rules_case_neither_finds_nor_excuses() -> None:
    seen = score([finding("PR-01", ("S1",))], [case("a", setl_ids=("S1",))])
    assert (seen.rules["ID-01"].found, seen.rules["PR-01"].false) == (0, 1)
    assert (seen.overall.planted, seen.overall.found, seen.overall.false, seen.overall.precision) == (1, 0, 1, 0.0)


def test_what_another_case_entails_is_right_but_not_wanted() -> None:
    truth = [case("a", Kind.ENTAILED, setl_ids=("S1",))]
    assert score([finding(setl_ids=("S1",))], truth).rules["ID-01"].precision == 1.0
    without = score([], truth).rules["ID-01"]
    assert (without.planted, without.missed, without.precision, without.recall) == (0, (), None, None)


@pytest.mark.parametrize(
    ("said", "met"),
    [
        ({"fixmedins_code": SITE}, True),
        ({"fixmedins_code": SITE, "day": "2026-06-04"}, True),
        ({"fixmedins_code": SITE, "day": "2026-06-03"}, False),
        ({"fixmedins_code": "H1"}, False),
        ({"fixmedins_code": SITE, "psn_no": "P1"}, True),
        ({"fixmedins_code": SITE, "psn_no": "P2"}, True),
        ({"fixmedins_code": SITE, "psn_no": "P3"}, False),
        ({"subject": "D1"}, True),
        ({"subject": "D"}, False),
    ],
)
def test_a_case_without_settlements_is_met_where_all_that_it_says_fits(said: dict[str, str], met: bool) -> None:
    accused = finding(psn_no="P1", psn_nos=("P2",), subject_key="D1/x")
    assert score([accused], [case("a", **said)]).rules["ID-01"].found == met


def test_a_score_names_no_more_than_asked_and_counts_all() -> None:
    seen = score([finding(setl_ids=(f"S{n}",)) for n in range(9)], [case(str(n), setl_ids=(f"X{n}",)) for n in range(9)], names=2)
    assert (seen.rules["ID-01"].missed, len(seen.rules["ID-01"].strays), seen.overall.false) == (("0", "1"), 2, 9)


def test_a_report_holds_every_figure() -> None:
    report = score([finding(setl_ids=("S1",))], [case("a", setl_ids=("S1",)), case("b", setl_ids=("S2",))]).as_json()
    assert report["rules"]["ID-01"] == report["overall"] | {"missed": ["b"]}
    assert report["overall"]["recall"] == 0.5


def test_the_truth_comes_back_as_it_was_written() -> None:
    truth = (
        case("a", setl_ids=("S1", "S2"), capture_ids=("d:1:2",), note='said "so", twice', fixmedins_code=SITE, psn_no="P1"),
        case("b", Kind.INNOCENT, "CC-01", look_alike="twins", day="2026-06-04", subject="D1"),
    )
    assert read_truth("\ufeff" + "".join(write_truth(truth)), "truth.csv") == truth


HEADER = "rule_id,case_id,kind,look_alike,fixmedins_code,psn_no,setl_ids,capture_ids\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no column rule_id"),
        ("rule_id,case_id\n", "no column kind"),
        (HEADER + "ID-01,a,guilty,,,,,\n", "line 2: kind 'guilty'"),
        (HEADER + "ID-01,a\n", "line 2: kind ''"),
        (HEADER + ",a,planted,,,,,\n", "line 2: rule_id"),
        (HEADER + "ID-01,a,planted,,,,,\nID-01,a,innocent,,,,,\n", "line 3: case a of ID-01 stands twice"),
        (HEADER + "ID-01,a,planted,,,," + "S" * 200_000 + ",\n", "field larger"),
    ],
)
def test_a_file_that_is_no_truth_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        read_truth(text, "truth.csv")


def test_columns_of_the_truth_may_stand_in_any_order_and_the_newer_ones_be_missing() -> None:
    (read,) = read_truth("kind,case_id,rule_id,look_alike,fixmedins_code,psn_no,setl_ids,capture_ids\nplanted,a,ID-01,,,,S1;;S2,\n", "t")
    assert read == replace(case("a"), setl_ids=("S1", "S2"))
