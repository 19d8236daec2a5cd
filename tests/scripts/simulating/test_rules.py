"""The real comparison over a small month: every rule finds what was planted for it, accuses no look-alike and nobody of the background."""

from functools import cache

import pytest

from central.engines.duckdb import duckdb_in_memory
from central.linkage.model import CaptureCode, SettlementCode
from central.reconciliation.compare import compare
from central.rules.engine import RuleResults
from central.rules.registry import RULES, rule_book
from central.scoring import RuleScore, Score, score
from tests.scripts.simulating.made import small

_CODED = ("coded", "coded_captures")


@cache
def compared() -> tuple[RuleResults, set[str], set[str]]:
    """What all rules say of the month, with their defaults; the codes of its settlements and captures."""
    with duckdb_in_memory() as analysis:
        results = compare(analysis, small().tables, rule_book({}, "test"))[1]
        codes = [analysis.rows(f"SELECT DISTINCT code FROM {name}") for name in _CODED]  # noqa: S608 - names of ours
        settlements, captures = ({row["code"] for batch in batches for row in batch.to_pylist()} for batches in codes)
        return results, settlements, captures


def results() -> RuleResults:
    return compared()[0]


@cache
def scored() -> Score:
    return score(results().suspicions, small().truth)


def test_the_ledger_has_every_code() -> None:
    _, settlements, captures = compared()
    assert (settlements, captures) == (set(SettlementCode), set(CaptureCode))


def test_every_rule_ran() -> None:
    assert results().faults == ()
    assert results().ran == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule_id", [rule.id for rule in RULES])
def test_a_rule_finds_what_was_planted_and_accuses_nobody_else(rule_id: str) -> None:
    told: RuleScore = scored().rules[rule_id]
    assert told.planted >= 5 and told.look_alikes >= 5
    assert (told.missed, told.accused, told.strays) == ((), (), ())
    assert (told.found, told.look_alikes_accused, told.false, told.precision) == (told.planted, 0, 0, 1.0)
