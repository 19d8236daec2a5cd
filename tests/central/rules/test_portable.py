"""Every rule in the SQL of every engine: it can be said there, has a finding's columns, and uses nothing that one of them lacks."""

import re
from functools import cache
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest

from central.engines.base import sql_of
from central.inputs import SCHEMAS
from central.linkage.model import LinkLimits
from central.reconciliation.compare import tables_of
from central.rules.base import Rule
from central.rules.registry import RULES

ibis.pyspark  # noqa: B018 - naming it is what makes Ibis know how to write its SQL
DIALECTS = ("postgres", "pyspark")
"""Besides DuckDB, which every other test of a rule runs on."""
NEEDED = {
    "subject_key": "string",
    "fixmedins_code": "string",
    "psn_no": "string",
    "occurred_at": "int64",
    "sev_deg": "string",
    "amount_fen": "int64",
    "capture_ids": "array<string>",
    "setl_ids": "array<string>",
    "psn_nos": "array<string>",
}
BY = {column.name for schema in SCHEMAS.values() for column in schema}


@cache
def found(rule_id: str, *, numbered: bool = False) -> ir.Table:
    """What a rule finds; the tables have the same names for every engine."""
    (rule,) = (each for each in RULES if each.id == rule_id)
    table: ir.Table = rule.find(tables_of(LinkLimits(), "duckdb", numbered=numbered), rule.limits())
    return table


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_gives_the_columns_of_a_finding(rule: Rule[Any]) -> None:
    types = {name: str(kind).removeprefix("!") for name, kind in found(rule.id).schema().items()}
    assert {name: types.get(name) for name in NEEDED} == NEEDED
    assert rule.by in BY


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_asks_nothing_of_identifiers_that_numbers_could_not_answer(rule: Rule[Any]) -> None:
    plain, numbered = (found(rule.id, numbered=each).schema() for each in (False, True))
    assert numbered.names == plain.names
    assert [kind for kind in numbered.types if str(kind) in ("uint64", "int32")] == [], "numbers are told by their type"
    told = {name: str(kind).replace("uint32", "string") for name, kind in numbered.items()}
    assert told == {name: str(kind) for name, kind in plain.items()}
    assert str(numbered["subject_key"]).removeprefix("!") == "string"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_can_be_said_to_every_engine(rule: Rule[Any], dialect: str) -> None:
    sql = re.sub(r"\s+", " ", sql_of(found(rule.id), dialect))
    assert not re.search(r"COUNT\(DISTINCT [^()]*\) OVER", sql, re.IGNORECASE), (
        "neither PostgreSQL nor Spark counts distinct values in a window"
    )
    assert not re.search(r"ARRAY\[\](?!::)", sql), "PostgreSQL knows no untyped empty array"
    assert not re.search(r"CROSS JOIN (?!UNNEST)", sql, re.IGNORECASE) or rule.id in SMALL_PRODUCTS


SMALL_PRODUCTS = {"AMT-01", "DOC-01"}
"""Rules that join every row with a handful of numbers; each says how many."""
