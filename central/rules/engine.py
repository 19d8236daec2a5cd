"""Runs rules one after the other; one that fails is recorded and stops no other."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from central.engines.base import Analysis, sql_of
from central.rules.base import Limits, Rule, Suspicion, Tables, read_hit, suspect
from central.rules.registry import RuleBook

_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFault:
    """A rule that could not be run: nothing is known about its findings this time."""

    rule_id: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResults:
    """What the rules say. Only about the rules in `ran` may be concluded that something is no longer suspected."""

    suspicions: tuple[Suspicion, ...]
    ran: frozenset[str]
    faults: tuple[RuleFault, ...]


def run_rules(book: RuleBook, tables: Tables, analysis: Analysis) -> RuleResults:
    """Run every active rule over the tables, which the analysis holds."""
    suspicions: list[Suspicion] = []
    ran: set[str] = set()
    faults: list[RuleFault] = []
    for rule, limits in book.active:
        try:
            suspicions.extend(_run(rule, limits, tables, analysis))
            ran.add(rule.id)
        except Exception as error:  # noqa: BLE001 - whatever a rule does wrong must not take the others along
            faults.append(RuleFault(rule_id=rule.id, message=f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE]))
    return RuleResults(suspicions=tuple(suspicions), ran=frozenset(ran), faults=tuple(faults))


def _run(rule: Rule[Any], limits: Limits, tables: Tables, analysis: Analysis) -> list[Suspicion]:
    found = analysis.rows(_sql(rule, limits, tables, analysis.dialect))
    return [suspect(rule, read_hit(row), limits) for batch in found for row in batch.to_pylist()]


@lru_cache(maxsize=1024)
def _sql(rule: Rule[Any], limits: Limits, tables: Tables, dialect: str) -> str:
    return sql_of(rule.find(tables, limits), dialect)
