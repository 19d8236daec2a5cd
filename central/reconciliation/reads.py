"""What a rule's expression reads, and which tables it finds nothing without: so that a look runs only rules that may say something new."""

from collections.abc import Callable
from functools import lru_cache

import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.expr.operations.relations import Simple

from central.rules.base import Tables
from central.rules.registry import Variant

_NARROWING, _KEEPING = {"inner", "semi", "cross"}, {"left", "anti"}


@lru_cache(maxsize=1024)
def tables_read(variant: Variant, tables: Tables) -> frozenset[str]:
    """The names of all tables in a rule's expression."""
    return frozenset(table.name for table in _found(variant, tables).op().find(ops.UnboundTable))


@lru_cache(maxsize=8192)
def finds_nothing(variant: Variant, tables: Tables, empty: frozenset[str]) -> bool:
    """Whether a rule surely finds nothing while these tables have no rows. False where its expression does not tell."""
    known: dict[ops.Node, bool] = {}
    return _nothing(_found(variant, tables).op(), empty, known)


@lru_cache(maxsize=1024)
def _found(variant: Variant, tables: Tables) -> ir.Table:
    return variant.rule.find(tables, variant.limits)


def _nothing(node: ops.Node, empty: frozenset[str], known: dict[ops.Node, bool]) -> bool:
    """Whether a relation has no rows; what is `known` is not asked again, for expressions name their parts many times."""
    if node not in known:
        known[node] = _has_none(node, lambda part: _nothing(part, empty, known), empty)
    return known[node]


def _has_none(node: ops.Node, nothing: Callable[[ops.Node], bool], empty: frozenset[str]) -> bool:
    match node:
        case ops.UnboundTable():
            return node.name in empty
        case ops.JoinChain():
            plain = all(link.how in _NARROWING | _KEEPING for link in node.rest)
            return plain and any(map(nothing, (node.first, *(link.table for link in node.rest if link.how in _NARROWING))))
        case ops.Union():
            return nothing(node.left) and nothing(node.right)
        case ops.Aggregate():
            return bool(node.groups) and nothing(node.parent)
        case Simple() | ops.Project() | ops.DropColumns() | ops.Reference() | ops.TableUnnest():
            return nothing(node.parent)
        case _:
            return False
