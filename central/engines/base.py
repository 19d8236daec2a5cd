"""What an engine can do, and how expressions become its SQL once and are run many times.

Expressions are built on tables that are only named (`named`), never on a connection: translating one costs more than running it on a
small table, so its SQL is kept and used again for every run with the same limits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from central.inputs import SCHEMAS


class Analysis(Protocol):
    """A place of its own in which tables are compared; nothing in it outlives it, and it reads nothing but what it is handed."""

    @property
    def dialect(self) -> str:
        """The SQL that it speaks, by the name that Ibis gives it."""

    def load(self, name: str, table: pa.Table) -> None:
        """Hand over a table; one of the same name is replaced."""

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
    """The expression in the SQL of an engine."""
    return str(ibis.to_sql(expression, dialect=dialect))
