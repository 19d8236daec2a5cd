"""The same month on three real engines: the same ledger and the same findings, rule by rule."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from central.engines.choice import EngineName, EngineOptions
from central.reconciliation import folder
from central.reconciliation.folder import reconcile_folder
from central.reconciliation.report import FolderReport, fingerprint
from central.rules.registry import RULES, read_rules

BOOK = read_rules(Path(__file__).parents[3] / "config" / "rules.toml")
OTHERS = (EngineName.POSTGRES, EngineName.SPARK)
pytestmark = pytest.mark.timeout(900)  # Spark alone takes a hundred seconds on two idle cores


def run(month: Path, engine: EngineName) -> FolderReport:
    return reconcile_folder(month, book=BOOK, engine=engine, options=EngineOptions(memory_mb=1024, threads=2))


@pytest.fixture(scope="session")
def here(month: Path) -> FolderReport:
    return run(month, EngineName.DUCKDB)


@pytest.fixture(scope="session", params=OTHERS)
def elsewhere(month: Path, request: pytest.FixtureRequest) -> FolderReport:
    """One start of each of the others for all tests."""
    if request.param is EngineName.SPARK and shutil.which("java") is None:
        pytest.skip("Java is not installed: apt-get install openjdk-17-jre-headless")
    return run(month, request.param)


def by_rule(report: FolderReport) -> dict[str, str]:
    return {rule.id: fingerprint(each for each in report.findings if each.rule_id == rule.id) for rule in RULES}


def test_every_rule_runs_everywhere(here: FolderReport, elsewhere: FolderReport) -> None:
    assert (here.faults, elsewhere.faults) == ((), ())
    assert here.ran == elsewhere.ran == {rule.id for rule in RULES}


def test_findings_are_the_same_rule_by_rule(here: FolderReport, elsewhere: FolderReport) -> None:
    assert by_rule(elsewhere) == by_rule(here)
    assert elsewhere.fingerprint == here.fingerprint


def test_the_ledger_is_the_same(here: FolderReport, elsewhere: FolderReport) -> None:
    assert elsewhere.ledger == here.ledger


def test_every_row_is_accounted_for(here: FolderReport) -> None:
    for name, taken in here.taken.items():
        assert taken.rows == taken.compared + taken.refused + taken.repeated + taken.withdrawn, name
    for side, codes in here.ledger.items():
        assert sum(codes.values()) == here.taken[side].compared > 0


def test_everything_planted_is_found_and_nobody_innocent_accused(here: FolderReport) -> None:
    assert here.score is not None
    assert {rule_id: each.missed for rule_id, each in here.score.rules.items() if each.missed} == {}
    assert {rule_id: each.accused for rule_id, each in here.score.rules.items() if each.accused} == {}
    assert here.score.overall.planted > len(RULES)


def test_tables_that_lie_in_a_file_give_the_same(month: Path, here: FolderReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "_OF_A_MEGABYTE", 0)
    large = reconcile_folder(month, book=BOOK, options=EngineOptions(memory_mb=300, threads=2, folder=tmp_path))
    assert (large.faults, large.ledger, large.fingerprint) == ((), here.ledger, here.fingerprint)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spoil", [lambda _: {"sev_deg": "low"}, lambda each: {"vola_evid": each.vola_evid | {"setl_ids": []}}])
def test_another_finding_has_another_fingerprint(here: FolderReport, spoil: Callable[[Any], dict[str, Any]]) -> None:
    first, *rest = here.findings
    assert fingerprint([replace(first, **spoil(first)), *rest]) != fingerprint(here.findings)
    assert fingerprint(reversed(here.findings)) == fingerprint(here.findings)
