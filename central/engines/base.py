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
from central.inputs import SCHEMAS

Rows: TypeAlias = pa.Table | pa.RecordBatchReader
"""What can be loaded: a table that is here, or batches that come one after the other."""


class EngineDied(CentralError):
    """An engine went away in mid-run: nothing that it was asked for is known."""

    status = 503
    code = "engine_died"


class Analysis(Protocol):
    """A place of its own in which tables are compared; nothing in it outlives it, and it reads nothing but what it is handed.

    A query that it cannot answer raises its own error; that it went away itself is EngineDied, from any call.
    """

    @property
    def dialect(self) -> str:
        """The SQL that it speaks, by the name that Ibis gives it."""

    def load(self, name: str, rows: Rows) -> None:
        """Hand over a table, in batches if it comes in such; one of the same name is replaced."""

    def keep(self, name: str, sql: str) -> None:
        """Compute a table now under a name, so that what builds on it does not compute it again; one of the same name is replaced."""

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query, in batches, never all of them in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A table to keep, and the SQL that makes it."""

    name: str
    sql: str


@dataclass(slots=True)
class Planner:
    """Collects the steps of a computation while it is expressed."""

    dialect: str
    steps: list[Step] = field(default_factory=list)

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Note a step; the table that it makes, by name."""
        self.steps.append(Step(name=name, sql=sql_of(expression, self.dialect)))
        return ibis.table(expression.schema(), name=name)


def named(name: str) -> ir.Table:
    """A table of `central.inputs` by its name. Raises KeyError."""
    return ibis.table(ibis.Schema.from_pyarrow(SCHEMAS[name]), name=name)


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


def _exactly(name: str, kind: dt.DataType) -> exp.Expression:
    column = exp.column(name, quoted=True)
    wanted = "bigint" if kind.is_integer() else "double" if kind.is_floating() else None
    return column if wanted is None else exp.alias_(exp.cast(column, wanted), name, quoted=True)


_SQLGLOT = {"pyspark": "spark"}
"""Dialects that SQLGlot calls otherwise than Ibis does."""
