"""A reconciliation in small: compare, admit, keep findings, keep what they hang on."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from central.cases import service as cases
from central.engines.duckdb import duckdb_in_memory
from central.inputs import Inputs
from central.linkage import service as linkage
from central.reconciliation.compare import compare
from central.rulebook import breaker, exhibits
from central.rules.engine import RuleResults
from central.rules.registry import RuleBook, rule_book
from tests.central.analysis import NOON, Row, rows

BOOK = rule_book({}, "test")


def world(billed: Sequence[Row], seen: Sequence[Row], **registers: Sequence[Row]) -> Inputs:
    """Tables of these rows."""
    given: dict[str, Sequence[Row]] = {"settlements": billed, "captures": seen} | registers
    return {name: rows(name, list(each)) for name, each in given.items()}


def run(db: Connection, inputs: Inputs, *, book: RuleBook = BOOK, now: datetime = NOON) -> RuleResults:
    """What a reconciliation does."""
    with duckdb_in_memory() as analysis:
        _, results = compare(analysis, inputs, book)
    assert results.faults == ()
    results = breaker.admit(db, book, results, settlements=inputs["settlements"].num_rows, now=now)
    run_id = linkage.begin_run(db, engine="test", settlements=inputs["settlements"].num_rows, captures=0, started_at=now)
    cases.record(db, results, run_id=run_id, now=now)
    exhibits.keep(db, inputs, results, book, compare, run_id=run_id, now=now)
    return results


def jr_ids(db: Connection, rule_id: str) -> list[str]:
    """Findings of a rule, by subject."""
    return [each.jr_id for each in sorted(cases.list_findings(db, rule_id=rule_id, size=500).rows, key=lambda each: each.subject_key)]
