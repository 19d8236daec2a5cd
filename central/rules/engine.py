"""Runs rules one after the other; one that fails is recorded and stops no other."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Any

import ibis
import pyarrow as pa

from central.engines.base import Analysis, EngineDied, named, sql_of
from central.rules.base import Hit, Limits, Rule, Suspicion, Tables, read_hit, suspect
from central.rules.places import EVERYWHERE, most_specific
from central.rules.registry import RuleBook, Variant

_LONGEST_MESSAGE = 500
_ASKED = "persons asked about"


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
    places = _places(book, tables, analysis)
    for rule_id, variants in _by_rule(book.active).items():
        progress(rule_id)
        started = monotonic()
        try:
            suspicions.extend(_each_once(_run(variants, tables, analysis, places)))
            seconds[rule_id] = monotonic() - started
        except EngineDied:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a rule does wrong must not take the others along
            faults.append(RuleFault(rule_id=rule_id, message=f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE]))
    return RuleResults(suspicions=tuple(suspicions), ran=frozenset(seconds), faults=tuple(faults), seconds=seconds)


def translate(book: RuleBook, tables: Tables, dialect: str) -> None:
    """Make the SQL of every rule in advance, some seconds' work, so that running them finds it made. What is wrong with a rule is told when
    it is run.
    """
    for variant in book.active:
        with suppress(Exception):
            _sql(variant.rule, variant.limits, tables, dialect)


def _each_once(found: Iterable[Suspicion]) -> list[Suspicion]:
    """What a rule found. Raises ValueError if it names a subject twice: of two words about one thing none can be kept."""
    by_subject: dict[str, Suspicion] = {}
    for each in found:
        if by_subject.setdefault(each.subject_key, each) is not each:
            raise ValueError(f"names {each.subject_key!r} twice")
    return list(by_subject.values())


def _by_rule(active: Iterable[Variant]) -> dict[str, list[Variant]]:
    found: dict[str, list[Variant]] = {}
    for variant in active:
        found.setdefault(variant.rule.id, []).append(variant)
    return found


def _places(book: RuleBook, tables: Tables, analysis: Analysis) -> dict[str, str | None]:
    """Where each institution lies; read only if some variant does not hold everywhere."""
    if all(variant.scope == EVERYWHERE for variant in book.active):
        return {}
    batches = analysis.rows(sql_of(tables.sites.select("fixmedins_code", "admdvs"), analysis.dialect))
    return {row["fixmedins_code"]: row["admdvs"] for batch in batches for row in batch.to_pylist()}


def _run(variants: Sequence[Variant], tables: Tables, analysis: Analysis, places: Mapping[str, str | None]) -> Iterator[Suspicion]:
    """What a rule says, each subject once: where two limits name one subject at two institutions, the narrower place speaks.

    What spans institutions is told at one of them. Where other limits hold there, and by these it is nothing, the limits that found it
    speak if they hold at another institution that it names: nobody gets out of sight by settling last where limits are wide.
    """
    by_scope = {variant.scope: variant for variant in sorted(variants, key=lambda each: -len(each.scope))}
    said: set[str] = set()
    ran: list[Limits] = []
    strays: list[tuple[Hit, Limits]] = []
    for variant in by_scope.values():
        if variant.limits in ran:
            continue
        ran.append(variant.limits)
        found = list(_found(variant, by_scope, tables, analysis, places, strays))
        yield from (each for each in found if each.subject_key not in said)
        said.update(each.subject_key for each in found if len(variants) > 1)
    if variants[0].rule.by != "fixmedins_code":
        yield from _elsewhere([each for each in strays if each[0].subject_key not in said], by_scope, analysis, places)


def _found(
    run: Variant,
    by_scope: Mapping[str, Variant],
    tables: Tables,
    analysis: Analysis,
    places: Mapping[str, str | None],
    strays: list[tuple[Hit, Limits]],
) -> Iterator[Suspicion]:
    """The hits where these limits hold; the others are put to `strays`."""
    for batch in analysis.rows(_sql(run.rule, run.limits, tables, analysis.dialect)):
        for hit in map(read_hit, batch.to_pylist()):
            holds = _holds(by_scope, hit.fixmedins_code, places)
            if holds.limits == run.limits:
                yield suspect(run.rule, hit, run.limits, stage=holds.stage, setting=holds.setting)
            else:
                strays.append((hit, run.limits))


def _holds(by_scope: Mapping[str, Variant], fixmedins_code: str, places: Mapping[str, str | None]) -> Variant:
    return by_scope[most_specific(by_scope, fixmedins_code, places.get(fixmedins_code)) or EVERYWHERE]


def _elsewhere(
    strays: Sequence[tuple[Hit, Limits]], by_scope: Mapping[str, Variant], analysis: Analysis, places: Mapping[str, str | None]
) -> Iterator[Suspicion]:
    """Strays that name a settlement where their limits hold, each subject once."""
    named_at: dict[tuple[str, str], set[str]] = {}
    persons = {psn_no for hit, _ in strays for psn_no in hit.psn_nos}
    for row in _bills_of(persons, analysis):
        named_at.setdefault((row["psn_no"], row["setl_id"]), set()).add(row["fixmedins_code"])
    said: set[str] = set()
    for hit, limits in strays:
        sites = {site for psn_no in hit.psn_nos for setl_id in hit.setl_ids for site in named_at.get((psn_no, setl_id), ())}
        holding = next((each for each in (_holds(by_scope, site, places) for site in sorted(sites)) if each.limits == limits), None)
        if holding is not None and hit.subject_key not in said:
            said.add(hit.subject_key)
            yield suspect(holding.rule, hit, limits, stage=holding.stage, setting=holding.setting)


def _bills_of(persons: Collection[str], analysis: Analysis) -> Iterator[dict[str, Any]]:
    if not persons:
        return
    bills = named("settlements", numbered=analysis.numbered).select("fixmedins_code", "setl_id", "psn_no")
    analysis.load(_ASKED, pa.table({"psn_no": sorted(persons)}, schema=pa.schema({"psn_no": pa.string()})))
    asked = ibis.table({"psn_no": bills.psn_no.type()}, name=_ASKED)
    for batch in analysis.rows(sql_of(bills.semi_join(asked, "psn_no"), analysis.dialect)):
        yield from batch.to_pylist()


@lru_cache(maxsize=1024)
def _sql(rule: Rule[Any], limits: Limits, tables: Tables, dialect: str) -> str:
    return sql_of(rule.find(tables, limits), dialect)
