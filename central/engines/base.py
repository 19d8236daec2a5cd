"""What an engine can do, and how expressions become its SQL once and are run many times.

Expressions are built on tables that are only named (`named`), never on a connection: translating one costs more than running it on a
small table, so its SQL is kept and used again for every run with the same limits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.sql import compilers
from sqlglot import exp

from central.errors import CentralError
from central.inputs import IDENTIFIERS, SCHEMAS

Rows: TypeAlias = pa.Table | pa.RecordBatchReader
"""What can be loaded: a table that is here, or batches that come one after the other."""


class EngineDied(CentralError):
    """An engine went away in mid-run: nothing that it was asked for is known."""

    status = 503
    code = "engine_died"


class EngineFull(CentralError):
    """An engine has neither memory nor disk left for what it was asked; it lives."""

    status = 503
    code = "engine_full"


class Analysis(Protocol):
    """A place of its own in which tables are compared; nothing in it outlives it, and it reads nothing but what it is handed.

    A query that it cannot answer raises its own error; that it has no room for it is EngineFull where the engine tells, and that it went
    away itself is EngineDied, from any call. What is defined here is how an engine does it that holds tables as they were loaded.
    """

    @property
    def dialect(self) -> str:
        """The SQL that it speaks, by the name that Ibis gives it."""

    @property
    def numbered(self) -> bool:
        """Whether its tables hold numbers in place of identifiers (`named`). What it answers are texts all the same."""
        return False

    def load(self, name: str, rows: Rows) -> None:
        """Hand over a table, in batches if it comes in such; one of the same name is replaced."""

    def settle(self) -> None:
        """Say that the tables of `central.inputs` are all loaded: an engine may take its time to lay them out for what is asked of them."""
        return

    def keep(self, name: str, sql: str) -> None:
        """Compute a table now under a name, so that what builds on it does not compute it again; one of the same name is replaced."""

    def show(self, name: str, sql: str) -> None:
        """Let a name stand for some rows and columns of a table that is kept; an engine may pick them whenever it is asked."""
        self.keep(name, sql)

    def forget(self, name: str) -> None:
        """Let go of a table that was kept."""

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query, in batches, never all of them in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A table to keep, and the SQL that makes it; or one that only shows what another keeps."""

    name: str
    sql: str
    kept: bool = True


@dataclass(slots=True)
class Planner:
    """Collects the steps of a computation while it is expressed."""

    dialect: str
    numbered: bool = False
    steps: list[Step] = field(default_factory=list)

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Note a step; the table that it makes, by name."""
        return self._noted(name, expression, kept=True)

    def show(self, name: str, expression: ir.Table) -> ir.Table:
        """Note a step that only picks rows and columns of one before; the table that it shows, by name."""
        return self._noted(name, expression, kept=False)

    def _noted(self, name: str, expression: ir.Table, *, kept: bool) -> ir.Table:
        self.steps.append(Step(name=name, sql=sql_of(expression, self.dialect), kept=kept))
        return ibis.table(expression.schema(), name=name)

    def named(self, name: str) -> ir.Table:
        """A table of `central.inputs`, as this engine holds it."""
        return named(name, numbered=self.numbered)


NUMBER = dt.uint32
"""The type of a number in place of an identifier, which nothing else has, so that it is told by it. They are in order as the texts are."""


def named(name: str, *, numbered: bool = False) -> ir.Table:
    """A table of `central.inputs` by its name, its identifiers as texts or as numbers. Raises KeyError."""
    columns = dict(ibis.Schema.from_pyarrow(SCHEMAS[name]).items())
    numbers = {column: NUMBER for column in columns if numbered and column in IDENTIFIERS}
    return ibis.table(columns | numbers, name=name)


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def text_of(number: dt.uint32) -> dt.string:
    """The identifier behind a number, in SQL; engines that are `numbered` have it."""


def sql_of(expression: ir.Table, dialect: str) -> str:
    """The expression in the SQL of an engine, with exactly the types that it has in Ibis.

    Engines disagree about the type of a sum or a mean (DuckDB: 128 bits, PostgreSQL: numeric), and Ibis leaves out a cast that to it is
    none.
    """
    own = _SQLGLOT.get(dialect, dialect)
    columns = ", ".join(_exactly(name, kind).sql(dialect=own) for name, kind in expression.schema().items())
    compiler = getattr(compilers, dialect).compiler
    if dialect == "postgres":
        query = _without_semi_joins(compiler.to_sqlglot(expression.op().replace(_by_way_of_int).to_expr().unbind()))
    else:
        query = compiler.to_sqlglot(expression.unbind())
    if dialect == "duckdb":
        _keep_what_pays(query)
    return f"SELECT {columns} FROM ({query.sql(dialect=compiler.dialect)}) AS computed"  # noqa: S608 - all of it is ours


def _by_way_of_int(node: ops.Node, changed: Mapping[str, Any] | None) -> ops.Node:
    """PostgreSQL makes a truth value an integer, but no bigint."""
    node = node if changed is None else node.__recreate__(changed)
    if isinstance(node, ops.Cast) and node.arg.dtype.is_boolean() and node.to.is_int64():
        return ops.Cast(ops.Cast(node.arg, dt.int32), node.to)
    return node


def _without_semi_joins(query: exp.Expression) -> exp.Expression:
    """PostgreSQL has EXISTS only, and SQLGlot's own rewriting loses the second of two neighbours. What is inside comes first."""
    for select in reversed(list(query.find_all(exp.Select))):
        joins = select.args.get("joins") or []
        select.set("joins", [join for join in joins if join.kind not in _HALF])
        for join in joins:
            if join.kind in _HALF:
                exists = exp.Exists(this=exp.select("1").from_(join.this).where(join.args["on"]))
                select.where(exists.not_() if join.kind == "ANTI" else exists, copy=False)
    return query


_HALF = ("SEMI", "ANTI")


def _keep_what_pays(query: exp.Expression) -> None:
    """DuckDB guesses of each WITH whether to keep its rows or to compute them anew wherever it is named. Sorting all settlements twice is
    most of what a rule costs; but to keep millions of rows that only had to be filtered costs more than to filter them again.
    """
    parts = list(query.find_all(exp.CTE))
    computed = {part.alias for part in parts}
    for part in parts:
        filters = all(join.kind in _HALF for join in part.find_all(exp.Join)) and not part.find(*_WORK)
        if part.find(exp.Window, exp.Distinct):
            part.set("materialized", True)
        elif filters and computed.isdisjoint(table.name for table in part.find_all(exp.Table)):
            part.set("materialized", False)


_WORK = (exp.AggFunc, exp.SetOperation, exp.Group, exp.Unnest)


def _exactly(name: str, kind: dt.DataType) -> exp.Expression:
    column = exp.column(name, quoted=True)
    wanted = None if kind == NUMBER else "bigint" if kind.is_integer() else "double" if kind.is_floating() else None
    return column if wanted is None else exp.alias_(exp.cast(column, wanted), name, quoted=True)


_SQLGLOT = {"pyspark": "spark"}
"""Dialects that SQLGlot calls otherwise than Ibis does."""
