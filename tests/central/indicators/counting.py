"""A world that is compared with the real engine, and what indicators count in it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from central.engines.base import Analysis
from central.engines.duckdb import duckdb_in_memory
from central.indicators import service as indicators
from central.reconciliation.compare import compare, tables_of
from central.rules.model import IndicatorLimits
from central.rules.registry import rule_book
from tests.central.analysis import Row, rows


def counted(limits: IndicatorLimits | None = None, **given: Sequence[Row]) -> dict[tuple[str, str, int], dict[str, tuple[int, int]]]:
    """(n, of) of each indicator with something to count, by institution, doctor and day."""
    with duckdb_in_memory() as analysis:
        found = counted_by(analysis, given, limits)
    return {(row["fixmedins_code"], row["dr"], row["day"]): _read(row) for row in found}


def counted_by(analysis: Analysis, given: Mapping[str, Sequence[Row]], limits: IndicatorLimits | None = None) -> list[dict[str, Any]]:
    """Every count of a world, as this engine counts it."""
    book = replace(rule_book({}, "test"), active=())
    compare(analysis, {name: rows(name, list(each)) for name, each in given.items()}, book)
    tables = tables_of(book.linkage, analysis.dialect)
    return [row for batch in indicators.counts(analysis, tables, limits or IndicatorLimits()) for row in batch.to_pylist()]


def _read(row: dict[str, Any]) -> dict[str, tuple[int, int]]:
    names = [name.removesuffix("_of") for name, value in row.items() if name.endswith("_of") and (value or row[f"{name[:-3]}_n"])]
    return {name: (row[f"{name}_n"], row[f"{name}_of"]) for name in names}
