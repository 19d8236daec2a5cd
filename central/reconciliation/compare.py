"""The comparison itself: the same for what is stored and for what lies in a folder, on every engine."""

from dataclasses import fields
from functools import lru_cache

from central.engines.base import Analysis, named
from central.inputs import SCHEMAS, Inputs, empty
from central.linkage import pairing
from central.linkage import service as linkage
from central.linkage.model import LinkLimits
from central.linkage.pairing import Links
from central.rules.base import Tables
from central.rules.engine import RuleResults, run_rules
from central.rules.registry import RuleBook


def compare(analysis: Analysis, inputs: Inputs, book: RuleBook) -> tuple[Links, RuleResults]:
    """Link and run the rules; the analysis then also holds what linkage made."""
    for name in SCHEMAS:
        analysis.load(name, inputs.get(name, empty(name)))
    analysis.settle()
    links = linkage.link(analysis, book.linkage)
    return links, run_rules(book, tables_in(analysis, book.linkage), analysis)


def tables_in(analysis: Analysis, limits: LinkLimits) -> Tables:
    """What rules look at in an analysis."""
    return tables_of(limits, analysis.dialect, numbered=analysis.numbered)


@lru_cache(maxsize=16)
def tables_of(limits: LinkLimits, dialect: str, *, numbered: bool = False) -> Tables:
    """What rules look at, by name; the same object for the same limits, so that their SQL is made once."""
    links = pairing.plan(limits, dialect, numbered=numbered).links
    linked = {"settlements": links.settlements, "captures": links.captures, "visits": links.visits}
    plain = {field.name: named(field.name, numbered=numbered) for field in fields(Tables) if field.name in SCHEMAS}
    return Tables(**(plain | linked))
