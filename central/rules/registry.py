"""The catalogue of rules and the file that sets their parameters."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from central.errors import Misconfigured
from central.linkage.model import LinkLimits
from central.rules import (
    amt_01,
    amt_02,
    amt_03,
    amt_04,
    cc_01,
    cc_02,
    cc_03,
    cc_04,
    doc_01,
    doc_02,
    drg_01,
    drg_02,
    drg_03,
    drg_04,
    dth_01,
    geo_01,
    geo_02,
    geo_03,
    id_01,
    id_02,
    id_03,
    inp_01,
    inp_02,
    inp_03,
    pr_01,
    pr_02,
    pr_03,
    stf_01,
    stf_02,
    sys_01,
    thr_01,
    tim_01,
    wat_01,
)
from central.rules.base import Limits, Rule, Stage
from central.rules.flood import FloodLimits
from central.rules.model import GroupLimits, IndicatorLimits
from central.rules.places import EVERYWHERE

Model = TypeVar("Model", bound=BaseModel)

RULES: tuple[Rule[Any], ...] = (
    id_01.RULE,
    pr_01.RULE,
    cc_01.RULE,
    pr_02.RULE,
    stf_01.RULE,
    pr_03.RULE,
    wat_01.RULE,
    cc_03.RULE,
    amt_01.RULE,
    amt_02.RULE,
    amt_03.RULE,
    amt_04.RULE,
    tim_01.RULE,
    dth_01.RULE,
    drg_01.RULE,
    drg_02.RULE,
    drg_03.RULE,
    drg_04.RULE,
    inp_01.RULE,
    inp_02.RULE,
    inp_03.RULE,
    thr_01.RULE,
    doc_01.RULE,
    doc_02.RULE,
    id_02.RULE,
    id_03.RULE,
    cc_02.RULE,
    cc_04.RULE,
    stf_02.RULE,
    sys_01.RULE,
    geo_01.RULE,
    geo_02.RULE,
    geo_03.RULE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A rule as it holds at one place: its limits and its stage there, by which version of its setting (0: the rules file alone).

    `scope` is a prefix of admdvs (province, city, county), a fixmedins_code, or empty: everywhere. The most specific variant holds.
    """

    rule: Rule[Any]
    limits: Limits
    stage: Stage
    scope: str = EVERYWHERE
    setting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """How to link, which rules to run where with which limits, and what indicators, groups and the flood breaker go by.

    A disabled rule is not in `active`; every other has a variant that holds everywhere. One in `unusable` cannot be run: (rule_id, why its
    stored setting does not fit the rule).
    """

    linkage: LinkLimits
    active: tuple[Variant, ...]
    unusable: tuple[tuple[str, str], ...] = ()
    indicators: IndicatorLimits = field(default_factory=IndicatorLimits)
    flood: FloodLimits = field(default_factory=FloodLimits)
    groups: GroupLimits = field(default_factory=GroupLimits)


def read_rules(path: Path) -> RuleBook:
    """Read the parameters. A rule that the file does not name runs with its defaults.

    Raises Misconfigured for a missing file, an unknown rule, an unknown parameter or a value out of bounds, naming it.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"rules file {path}: cannot be read: {error.strerror}; settings key rules_file says where it lies") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"rules file {path}: {error}") from None
    return rule_book(content, str(path))


def rule_book(content: Mapping[str, Any], source: str) -> RuleBook:
    """The same from what was read; `source` is named in errors."""
    known = {"linkage", "indicators", "groups", "flood", *(rule.id for rule in RULES)}
    if unknown := sorted(set(content) - known):
        raise Misconfigured(f"{source}: [{unknown[0]}] is no rule; known are {', '.join(sorted(known))}")
    sections = {name: _section(content, name, source) for name in known}
    enabled = {rule.id: _enabled(sections[rule.id], rule.id, source) for rule in RULES}
    return RuleBook(
        linkage=checked_limits(LinkLimits, sections["linkage"], "linkage", source),
        active=tuple(
            Variant(rule=rule, limits=checked_limits(rule.limits, sections[rule.id], rule.id, source), stage=rule.stage)
            for rule in RULES
            if enabled[rule.id]
        ),
        indicators=checked_limits(IndicatorLimits, sections["indicators"], "indicators", source),
        flood=checked_limits(FloodLimits, sections["flood"], "flood", source),
        groups=checked_limits(GroupLimits, sections["groups"], "groups", source),
    )


def _section(content: Mapping[str, Any], name: str, source: str) -> dict[str, Any]:
    section = content.get(name, {})
    if not isinstance(section, dict):
        raise Misconfigured(f"{source}: {name} is not a table; write [{name}]")
    return dict(section)


def _enabled(section: dict[str, Any], name: str, source: str) -> bool:
    enabled = section.pop("enabled", True)
    if not isinstance(enabled, bool):
        raise Misconfigured(f"{source}: [{name}] enabled: {enabled!r} is neither true nor false")
    return enabled


def checked_limits(kind: type[Model], section: dict[str, Any], name: str, source: str) -> Model:
    """Parameters read from a table. Raises Misconfigured that names source, rule, parameter and value."""
    try:
        return kind.model_validate(section)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        key = ".".join(str(step) for step in first["loc"])
        raise Misconfigured(f"{source}: [{name}] {key} = {first['input']!r}: {first['msg']}") from None
