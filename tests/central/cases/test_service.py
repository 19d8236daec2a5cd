"""Findings and reviews on a real database."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from central import migrate
from central.audit import service as audit
from central.cases import service as cases
from central.cases.model import MAX_REASON, FindingView, Status, Verdict
from central.db import open_engine
from central.errors import BadInput, Conflict, NotFound
from central.linkage import service as linkage
from central.rules.base import Suspicion
from central.rules.engine import RuleFault, RuleResults
from tests.central.analysis import NOON, SITE
from tests.central.cases.test_ledger import SUSPICION

LATER = NOON + timedelta(hours=2)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'central.sqlite3'}")
    migrate.upgrade(engine)
    return engine


def subject(number: int, rule_id: str = "CC-01", site: str = SITE) -> Suspicion:
    return replace(SUSPICION, rule_id=rule_id, subject_key=f"{site}/{number}", fixmedins_code=site)


def record(engine: Engine, *suspicions: Suspicion, ran: frozenset[str] = frozenset({"CC-01", "PR-01"})) -> tuple[int, int, int]:
    with engine.begin() as db:
        run_id = linkage.begin_run(db, engine="test", settlements=0, captures=0, started_at=NOON)
        changes = cases.record(db, RuleResults(suspicions=suspicions, ran=ran, faults=()), run_id=run_id, now=NOON)
    return changes.new, changes.updated, changes.withdrawn


def only(engine: Engine) -> FindingView:
    with engine.connect() as db:
        (row,) = cases.list_findings(db).rows
    return row


def judge(engine: Engine, verdict: str, reason: str = "看过录像") -> FindingView:
    with engine.begin() as db:
        (row,) = cases.list_findings(db).rows
        cases.review(db, jr_id=row.jr_id, verdict=verdict, reason=reason, actor="monitor", now=LATER)
        return cases.get(db, row.jr_id)


def test_a_recorded_suspicion_is_an_open_finding_with_every_field(engine: Engine) -> None:
    assert record(engine, SUSPICION) == (1, 0, 0)
    finding = only(engine)
    for name in ("rule_id", "rule_version", "fixmedins_code", "vola_cont", "vola_amt", "vola_evid", "limits", "occurred_at", "legal_basis"):
        assert getattr(finding, name) == getattr(SUSPICION, name)
    assert (finding.status, finding.reviews, finding.capture_ids, finding.setl_ids) == (Status.OPEN, (), ("c1",), ("S-1",))


def test_recording_the_same_again_changes_nothing(engine: Engine) -> None:
    record(engine, subject(1), subject(2))
    assert record(engine, subject(1), subject(2)) == (0, 0, 0)


@pytest.mark.parametrize(("verdict", "status"), [("confirm", Status.CONFIRMED), ("dismiss", Status.DISMISSED)])
def test_a_review_decides_is_kept_and_audited(engine: Engine, verdict: str, status: Status) -> None:
    record(engine, SUSPICION)
    finding = judge(engine, verdict, "  看过录像，母亲代办 ")
    assert finding.status is status
    (review,) = finding.reviews
    assert (review.verdict, review.reason, review.account, review.at) == (Verdict(verdict), "看过录像，母亲代办", "monitor", LATER)
    with engine.connect() as db:
        (entry,) = audit.entries(db).rows
        assert (entry.actor, entry.action, entry.object) == ("monitor", "finding.review", finding.jr_id)
        assert cases.counts(db) == {each: int(each is status) for each in Status}


def test_a_reviewed_finding_stays_whatever_the_rules_say_next(engine: Engine) -> None:
    record(engine, SUSPICION)
    before = judge(engine, "dismiss")
    assert record(engine) == (0, 0, 0)
    assert record(engine, replace(SUSPICION, sev_deg="high")) == (0, 0, 0)
    assert only(engine) == before


def test_a_second_review_and_one_of_a_withdrawn_finding_are_conflicts(engine: Engine) -> None:
    record(engine, SUSPICION)
    assert record(engine) == (0, 0, 1)
    with pytest.raises(Conflict, match="withdrawn"):
        judge(engine, "confirm")
    assert record(engine, SUSPICION) == (0, 1, 0)
    judge(engine, "confirm")
    with pytest.raises(Conflict, match="confirmed"):
        judge(engine, "dismiss")


@pytest.mark.parametrize(
    ("verdict", "reason", "named"),
    [
        ("confirm", "", "needs a reason"),
        ("confirm", " \n", "needs a reason"),
        ("confirm", "x" * (MAX_REASON + 1), "501"),
        ("fine", "x", "fine"),
    ],
)
def test_a_review_without_reason_or_with_an_unknown_verdict_is_refused(engine: Engine, verdict: str, reason: str, named: str) -> None:
    record(engine, SUSPICION)
    with pytest.raises(BadInput, match=named):
        judge(engine, verdict, reason)
    assert only(engine).status is Status.OPEN


def test_an_unknown_finding_is_not_found(engine: Engine) -> None:
    with engine.begin() as db, pytest.raises(NotFound, match="JR-none"):
        cases.review(db, jr_id="JR-none", verdict="confirm", reason="x", actor="monitor", now=LATER)


def test_findings_of_a_rule_that_did_not_run_stay(engine: Engine) -> None:
    record(engine, subject(1), subject(2, "PR-01"))
    assert record(engine, ran=frozenset({"PR-01"})) == (0, 0, 1)
    with engine.connect() as db:
        assert [row.rule_id for row in cases.list_findings(db, status="open").rows] == ["CC-01"]


def test_a_rule_that_could_not_be_run_is_noted_with_its_run(engine: Engine) -> None:
    with engine.begin() as db:
        run_id = linkage.begin_run(db, engine="test", settlements=0, captures=0, started_at=NOON)
        fault = RuleFault(rule_id="CC-01", message="ZeroDivisionError: on purpose")
        cases.record(db, RuleResults(suspicions=(), ran=frozenset(), faults=(fault,)), run_id=run_id, now=NOON)
        assert cases.rule_faults(db, run_id) == (fault,)


def test_findings_are_listed_by_page_status_rule_and_site(engine: Engine) -> None:
    other = "H11010000001"
    record(engine, *[subject(number) for number in range(5)], subject(9, "PR-01"), subject(9, site=other))
    with engine.connect() as db:
        assert cases.list_findings(db).total == 7
        assert cases.list_findings(db, rule_id="PR-01").total == 1
        assert cases.list_findings(db, fixmedins_code=other).total == 1
        assert cases.list_findings(db, status="confirmed").rows == ()
        pages = [cases.list_findings(db, rule_id="CC-01", page=page, size=4) for page in (1, 2, 3)]
        assert [len(page.rows) for page in pages] == [4, 2, 0]
        assert len({row.jr_id for page in pages for row in page.rows}) == 6
        assert cases.rule_ids(db) == ("CC-01", "PR-01")
        with pytest.raises(BadInput, match="page 0"):
            cases.list_findings(db, page=0)
