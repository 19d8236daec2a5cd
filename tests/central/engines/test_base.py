"""What is written of an expression beyond what Ibis writes: DuckDB is told what to compute once."""

import ibis
import ibis.expr.types as ir
import sqlglot
from sqlglot import exp

from central.engines.base import sql_of

ROWS = ibis.table({"place": "string", "moment": "int64", "amount": "int64"}, name="many_rows")
FEW = ibis.table({"place": "string"}, name="few_rows")


def kept(expression: ir.Table) -> list[bool | None]:
    """Of each part that has a name: whether it is kept, computed anew, or left to DuckDB."""
    query = sqlglot.parse_one(sql_of(expression, "duckdb"), dialect="duckdb")
    return [part.args.get("materialized") for part in query.find_all(exp.CTE)]


def named_again(rows: ir.Table) -> ir.Table:
    totals = rows.group_by("place").agg(total=rows.amount.sum().cast("int64"))
    counts = rows.group_by("place").agg(rows=rows.count())
    return rows.join(totals, "place").join(counts, "place")


def test_rows_that_only_had_to_be_picked_are_picked_again() -> None:
    assert kept(named_again(ROWS.filter(ROWS.amount > 0).anti_join(FEW, "place"))) == [False]


def test_rows_that_were_put_in_order_are_kept() -> None:
    place = ibis.row_number().over(group_by=ROWS.place, order_by=ROWS.moment)
    assert True in kept(named_again(ROWS.mutate(number=place).filter(lambda t: t.number < 3)))


def test_rows_behind_distinct_are_kept() -> None:
    assert kept(named_again(ROWS.filter(ROWS.amount > 0).distinct())) == [True]


def test_what_had_to_be_joined_or_counted_is_left_to_the_engine() -> None:
    joined = ROWS.join(ibis.table({"place": "string", "weight": "int64"}, name="weights"), "place")
    assert kept(named_again(joined)) == [None]
    picked = ROWS.filter(ROWS.amount > 0).anti_join(FEW, "place")
    counts = picked.group_by("place").agg(rows=picked.count())
    few = picked.semi_join(counts.filter(counts.rows < 3), "place")
    assert kept(named_again(few)) == [None]
