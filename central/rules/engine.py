"""Runs rules one after the other; one that fails is recorded and stops no other."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Any

from central.engines.base import Analysis, EngineDied, named, sql_of
from central.rules.base import Limits, Rule, Suspicion, Tables, read_hit, suspect
from central.rules.places import EVERYWHERE, most_specific
from central.rules.registry import RuleBook, Variant

_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFault:
    """A rule that could not be run: nothing is known about its findings this time."""

    rule_id: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResults:
    """What the rules say. Only about the rules in `ran` may be concluded that something is no longer suspected.

    `seconds` says how long each of them took.
    """

    suspicions: tuple[Suspicion, ...]
    ran: frozenset[str]
    faults: tuple[RuleFault, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)


def run_rules(book: RuleBook, tables: Tables, analysis: Analysis, progress: Callable[[str], None] = lambda _: None) -> RuleResults:
    """Run every active rule over the tables, which the analysis holds. `progress` hears each rule's number before it runs.

    Each distinct set of limits of a rule is run once; of its hits those count that lie where these limits hold. Raises EngineDied.
    """
    suspicions: list[Suspicion] = []
    seconds: dict[str, float] = {}
    faults = [RuleFault(rule_id=rule_id, message=why[:_LONGEST_MESSAGE]) for rule_id, why in book.unusable]
    places = _places(book, analysis)
    for rule_id, variants in _by_rule(book.active).items():
        progress(rule_id)
        started = monotonic()
        try:
            suspicions.extend(_run(variants, tables, analysis, places))
            seconds[rule_id] = monotonic() - started
        except EngineDied:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a rule does wrong must not take the others along
            faults.append(RuleFault(rule_id=rule_id, message=f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE]))
    return RuleResults(suspicions=tuple(suspicions), ran=frozenset(seconds), faults=tuple(faults), seconds=seconds)


def _by_rule(active: Iterable[Variant]) -> dict[str, list[Variant]]:
    found: dict[str, list[Variant]] = {}
    for variant in active:
        found.setdefault(variant.rule.id, []).append(variant)
    return found


def _places(book: RuleBook, analysis: Analysis) -> dict[str, str | None]:
    """Where each institution lies; read only if some variant does not hold everywhere."""
    if all(variant.scope == EVERYWHERE for variant in book.active):
        return {}
    sites = named("sites").select("fixmedins_code", "admdvs")
    batches = analysis.rows(sql_of(sites, analysis.dialect))
    return {row["fixmedins_code"]: row["admdvs"] for batch in batches for row in batch.to_pylist()}


def _run(variants: Sequence[Variant], tables: Tables, analysis: Analysis, places: Mapping[str, str | None]) -> Iterator[Suspicion]:
    """What a rule says, each subject once: where two limits name one subject at two institutions, the narrower place speaks."""
    by_scope = {variant.scope: variant for variant in sorted(variants, key=lambda each: -len(each.scope))}
    said: set[str] = set()
    ran: list[Limits] = []
    for variant in by_scope.values():
        if variant.limits in ran:
            continue
        ran.append(variant.limits)
        found = list(_found(variant, by_scope, tables, analysis, places))
        yield from (each for each in found if each.subject_key not in said)
        said.update(each.subject_key for each in found if len(variants) > 1)


def _found(
    run: Variant, by_scope: Mapping[str, Variant], tables: Tables, analysis: Analysis, places: Mapping[str, str | None]
) -> Iterator[Suspicion]:
    for batch in analysis.rows(_sql(run.rule, run.limits, tables, analysis.dialect)):
        for hit in map(read_hit, batch.to_pylist()):
            holds = by_scope[most_specific(by_scope, hit.fixmedins_code, places.get(hit.fixmedins_code)) or EVERYWHERE]
            if holds.limits == run.limits:
                yield suspect(run.rule, hit, run.limits, stage=holds.stage, setting=holds.setting)


@lru_cache(maxsize=1024)
def _sql(rule: Rule[Any], limits: Limits, tables: Tables, dialect: str) -> str:
    return sql_of(rule.find(tables, limits), dialect)
