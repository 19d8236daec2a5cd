"""What a run may do to findings: nothing twice, nothing behind a reviewer's back, nothing kept that is no longer suspected."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from central.cases.ledger import BELIEVED, Changes, Recorded, decide
from central.cases.model import Verdict
from central.rules.base import Suspicion
from tests.central.analysis import NOON, SITE

SUSPICION = Suspicion(
    rule_id="CC-01",
    rule_version=1,
    rule_name="一人多卡",
    subject_key=f"{SITE}/42",
    fixmedins_code=SITE,
    psn_no=None,
    occurred_at=NOON,
    vola_cont="疑点",
    vola_cont_en="suspicion",
    vola_amt=Decimal("38.50"),
    sev_deg="med",
    vola_evid={"capture_ids": ["c1"], "setl_ids": ["S-1"], "psn_nos": ["A", "B", "C"], "seen": {}},
    vola_bhvr_type="一人多卡",
    legal_basis="条例",
    limits={"window_days": 7},
)
NOW = NOON + timedelta(hours=1)


def naming(*psn_nos: str) -> Suspicion:
    return replace(SUSPICION, vola_evid=SUSPICION.vola_evid | {"psn_nos": list(psn_nos)})


def recorded(suspicion: Suspicion = SUSPICION, *, verdict: Verdict | None = None, **columns: Any) -> Recorded:
    (row,) = decide([suspicion], [], now=NOW).new
    return Recorded(row=row | columns, verdict=verdict, reviewed_at=NOW if verdict else None)


def test_a_new_suspicion_becomes_a_finding_with_a_number_of_its_own() -> None:
    (row,) = decide([SUSPICION], [], now=NOW).new
    assert row["jr_id"].startswith("JR20260114-CC-01-")
    assert len(row["jr_id"]) <= 40
    assert (row["found_at"], row["withdrawn_at"], row["subject_key"]) == (NOW, None, f"{SITE}/42")
    other = replace(SUSPICION, subject_key=f"{SITE}/43")
    assert recorded(other).row["jr_id"] != row["jr_id"]


def test_the_same_suspicion_again_changes_nothing() -> None:
    assert decide([SUSPICION], [recorded()], now=NOW + timedelta(days=1)) == Changes()


def test_a_grown_suspicion_updates_its_open_finding() -> None:
    held = recorded()
    changes = decide([naming("A", "B", "C", "D")], [held], now=NOW)
    assert changes.new == []
    ((number, values),) = changes.updated
    assert number == held.row["jr_id"]
    assert values["vola_evid"]["psn_nos"] == ["A", "B", "C", "D"]
    assert "found_at" not in values


def test_what_is_no_longer_suspected_is_withdrawn_once() -> None:
    held = recorded()
    assert decide([], [held], now=NOW).withdrawn == [held.row["jr_id"]]
    assert decide([], [recorded(withdrawn_at=NOW)], now=NOW) == Changes()


def test_a_withdrawn_finding_that_is_suspected_again_is_reopened() -> None:
    ((_, values),) = decide([SUSPICION], [recorded(withdrawn_at=NOW)], now=NOW).updated
    assert values["withdrawn_at"] is None


def test_a_reviewed_finding_is_neither_changed_nor_withdrawn() -> None:
    assert decide([], [recorded(verdict=Verdict.DISMISS)], now=NOW) == Changes()
    assert decide([naming("A", "B")], [recorded(verdict=Verdict.DISMISS)], now=NOW) == Changes()


def test_a_person_whom_no_review_saw_makes_a_further_finding_about_the_subject() -> None:
    grown = naming("A", "B", "C", "D")
    (row,) = decide([grown], [recorded(verdict=Verdict.DISMISS)], now=NOW).new
    assert row["subject_key"] == f"{SITE}/42#2"
    assert row["jr_id"] != recorded().row["jr_id"]
    second = Recorded(row=row)
    assert decide([grown], [recorded(verdict=Verdict.DISMISS), second], now=NOW) == Changes()
    reviewed = Recorded(row=row, verdict=Verdict.CONFIRM, reviewed_at=NOW)
    assert decide([grown], [recorded(verdict=Verdict.DISMISS), reviewed], now=NOW) == Changes()
    (third,) = decide([naming("A", "E")], [recorded(verdict=Verdict.DISMISS), reviewed], now=NOW).new
    assert third["subject_key"] == f"{SITE}/42#3"


@pytest.mark.parametrize(
    ("verdict", "after", "found"),
    [
        (Verdict.CONFIRM, timedelta(), 0),
        (Verdict.CONFIRM, timedelta(seconds=1), 1),
        (Verdict.DISMISS, timedelta(seconds=1), 0),
        (Verdict.DISMISS, BELIEVED, 0),
        (Verdict.DISMISS, BELIEVED + timedelta(seconds=1), 1),
    ],
)
def test_what_goes_on_after_a_review_is_found_anew(verdict: Verdict, after: timedelta, found: int) -> None:
    """Who was found once is not out of sight for ever: the same persons, the same subject, and it occurred after people had looked."""
    later = replace(SUSPICION, occurred_at=NOW + after)
    assert len(decide([later], [recorded(verdict=verdict)], now=NOW + 2 * BELIEVED).new) == found


@pytest.mark.parametrize(("degree", "after", "found"), [("med", 1, 0), ("high", 1, 1), ("high", 0, 0)])
def test_what_grows_graver_after_a_dismissal_is_found_anew(degree: str, after: int, found: int) -> None:
    graver = replace(SUSPICION, sev_deg=degree, occurred_at=NOW + timedelta(seconds=after))
    assert len(decide([graver], [recorded(verdict=Verdict.DISMISS)], now=NOW).new) == found


def test_rules_do_not_share_subjects() -> None:
    other = recorded(replace(SUSPICION, rule_id="PR-01"))
    changes = decide([SUSPICION], [other], now=NOW)
    assert len(changes.new) == 1
    assert changes.withdrawn == [other.row["jr_id"]]
