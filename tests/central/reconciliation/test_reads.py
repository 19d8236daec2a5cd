"""What is known of an expression without running it holds when it is run."""

from pathlib import Path

import ibis
import pytest
from sqlalchemy import Engine

from central.db import open_engine
from central.engines.duckdb import DuckDb
from central.reconciliation import reads
from central.reconciliation.compare import tables_of
from central.reconciliation.reads import finds_nothing, tables_read
from central.reconciliation.service import compare_all
from central.rules.engine import _sql
from central.rules.registry import read_rules
from tests.central.reconciliation.happenings import DEEDS, NOW, Step, do, lenient, prepared

EVERYTHING: list[Step] = [(name, number, number % 2, number % 3) for number in range(8) for name in DEEDS if name != "unbill"]
A, B = (ibis.table({"n": "int64", "m": "int64"}, name=name) for name in "ab")
EXPRESSIONS = [
    (A.join(B, "n"), "ab"),
    (A.semi_join(B, "n"), "ab"),
    (A.cross_join(B.rename(k="n", l="m")), "ab"),
    (A.left_join(B, "n"), "a"),
    (A.anti_join(B, "n"), "a"),
    (A.outer_join(B, "n"), ""),
    (A.union(B), ""),
    (A.union(A.filter(A.n > 0)).distinct(), "a"),
    (A.group_by("n").agg(m=A.m.sum()), "a"),
    (A.agg(m=A.m.sum()), ""),
    (A.mutate(k=A.n.lag().over(order_by=A.m)).drop("m").order_by("n"), "a"),
]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    prepared(f"sqlite:///{tmp_path / 'central.sqlite3'}").dispose()
    return open_engine(f"sqlite:///{tmp_path / 'central.sqlite3'}")


def test_rules_find_nothing_where_it_is_said_so(engine: Engine, tmp_path: Path) -> None:
    """Each rule over tables of which one was emptied."""
    rules = lenient(tmp_path)
    book = read_rules(rules)
    do(engine, EVERYTHING)
    analysis = DuckDb()
    compare_all(engine, analysis, rules_file=rules, now=NOW, progress=lambda _: None)
    tables, said = tables_of(book.linkage, "duckdb"), 0
    for variant in book.active:
        assert not finds_nothing(variant, tables, frozenset())
        sql = _sql(variant.rule, variant.limits, tables, "duckdb")  # made already by the comparison
        for name in tables_read(variant, tables):
            if finds_nothing(variant, tables, frozenset({name})):
                said += 1
                analysis.do(f'ALTER TABLE "{name}" RENAME TO "kept"')
                analysis.keep(name, "SELECT * FROM kept LIMIT 0")
                assert [batch for batch in analysis.rows(sql) if batch.num_rows] == [], (variant.rule.id, name)
                analysis.do(f'DROP TABLE "{name}"')
                analysis.do(f'ALTER TABLE "kept" RENAME TO "{name}"')
    assert said > len(book.active), "most rules need some table"
    analysis.close()


@pytest.mark.parametrize(("expression", "needed"), EXPRESSIONS, ids=range(len(EXPRESSIONS)))
def test_what_an_expression_finds_nothing_without(expression: ibis.Table, needed: str) -> None:
    assert {name for name in "ab" if reads._nothing(expression.op(), frozenset(name), {})} == set(needed)
