"""Settings of rules by place: how they add up, what a change needs, and who may decide about it. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from central.audit.model import person
from central.errors import BadInput, Conflict, Misconfigured
from central.rules.base import Stage
from central.rules.places import EVERYWHERE, covers
from central.rules.registry import RuleBook, Variant, checked_limits

FILE = "file"
"""The scope under which is recorded what the rules file said."""
MAX_REASON = 500
FRESH = timedelta(days=30)
"""How long a proposal may wait: what it rested on, trials and the rule itself, changes with time."""
_ORDER = tuple(Stage)
_LIVE = frozenset({Stage.REVIEW, Stage.RESTRICT})

_UNITS = {"days": "days", "hours": "hours", "minutes": "minutes", "s": "seconds", "seconds": "seconds", "km": "km", "h": "kmh"} | {
    "m": "metres",
    "fen": "fen",
    "yuan": "yuan",
    "percent": "percent",
}
"""The last word of a parameter's name, and the code of its unit."""

RegionOf = Callable[[str], str | None]
"""admdvs of an institution, None where no register knows it."""


class Decision(StrEnum):
    """What became of a change; none yet: it waits for a second person."""

    APPROVED = "approved"
    REFUSED = "refused"


class SamePerson(Conflict):
    """Who proposed a change cannot approve it."""

    code = "same_person"


class Overtaken(Conflict):
    """Another change came into force there since this one was proposed."""

    code = "overtaken"


class Stale(Conflict):
    """The proposal is so old that what was known then may be known differently by now."""

    code = "stale_proposal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The whole setting of a rule at one place: overrides of limits, and a stage (None: as the wider place has it).

    With a `version` it is or was in force; the newest version of a place holds.
    """

    scope: str
    limits: Mapping[str, Any]
    stage: Stage | None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Setting):
    """A setting that somebody wants, and what became of it."""

    change_id: int
    rule_id: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    decision: Decision | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decided_why: str | None = None

    @property
    def waits(self) -> bool:
        """Whether a second person is still to decide."""
        return self.decision is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody asks for at a place: limits to set (None: back to what the wider place says) and perhaps a stage.

    `reset` drops everything that is set there.
    """

    rule_id: str
    scope: str
    reason: str
    limits: Mapping[str, Any]
    stage: Stage | None = None
    reset: bool = False


def unit_of(name: str) -> str:
    """The unit that stands in a parameter's name; `count` where there is none. A code of texts."""
    return _UNITS.get(name.rpartition("_")[2], "count")


def compose(base: RuleBook, standing: Iterable[Change], region_of: RegionOf) -> RuleBook:
    """The rules file with everything on top that people have set. A rule whose setting does not fit it is `unusable`, by name."""
    of_rule: dict[str, list[Change]] = {}
    for change in standing:
        of_rule.setdefault(change.rule_id, []).append(change)
    active: list[Variant] = []
    unusable: list[tuple[str, str]] = []
    for variant in base.active:
        try:
            active.extend(variants(variant, of_rule.get(variant.rule.id, []), region_of))
        except Misconfigured as error:
            unusable.append((variant.rule.id, str(error)))
    return replace(base, active=tuple(active), unusable=(*base.unusable, *unusable))


def variants(base: Variant, standing: Sequence[Setting], region_of: RegionOf) -> list[Variant]:
    """One variant for everywhere and one for each place with a setting. Raises Misconfigured naming place and parameter."""
    scopes = {EVERYWHERE} | {change.scope for change in standing if change.scope != FILE}
    return [at(base, standing, scope, region_of) for scope in sorted(scopes, key=lambda scope: (len(scope), scope))]


def at(base: Variant, standing: Iterable[Setting], scope: str, region_of: RegionOf) -> Variant:
    """What holds at a place: the file, then every setting from the widest place to this one. Raises Misconfigured."""
    settings = list(standing)
    chain = sorted((each for each in settings if _above(each.scope, scope, region_of)), key=lambda each: len(each.scope))
    limits = base.limits.model_dump()
    stage = base.stage
    for change in chain:
        limits |= change.limits
        stage = change.stage or stage
    version = max((change.version or 0 for change in chain), default=0)
    filed = max((change.version or 0 for change in settings if change.scope == FILE), default=0)
    checked = checked_limits(base.rule.limits, limits, base.rule.id, f"setting of {scope or 'every place'}")
    return replace(base, limits=checked, stage=stage, scope=scope, setting=max(version, filed))


def _above(wide: str, narrow: str, region_of: RegionOf) -> bool:
    if wide == FILE:
        return False
    if len(narrow) > 6:
        return covers(wide, narrow, region_of(narrow))
    return len(wide) <= 6 and narrow.startswith(wide)


def settled(base: Variant, standing: Sequence[Setting], wanted: Wanted) -> tuple[dict[str, Any], Stage | None]:
    """The overrides and the stage at the wanted place if the wish came true. Raises BadInput naming an unknown parameter."""
    if wanted.reset:
        return {}, None
    here = next((each for each in standing if each.scope == wanted.scope), None)
    limits = dict(here.limits) if here is not None else {}
    known = base.rule.limits.model_fields
    for name, value in wanted.limits.items():
        if name not in known:
            raise BadInput(f"{wanted.rule_id} has no parameter {name[:60]!r}; it has {', '.join(known)}")
        limits.pop(name, None)
        if value is not None:
            limits[name] = value
    return limits, wanted.stage or (here.stage if here is not None else None)


Outlook = Sequence[tuple[Variant | None, Variant]]
"""What holds and what would hold at each place that a setting reaches, the widest first. None: the rule cannot be run there now."""


def outlook(base: Variant, standing: Sequence[Setting], here: Setting, region_of: RegionOf) -> Outlook:
    """What a setting would change at its place and at every narrower one with a setting of its own.

    Raises Misconfigured naming the place where the rule could not be run any more; a place where it cannot be run as it is stops nobody.
    """
    then = [*(each for each in standing if each.scope != here.scope), here]
    narrower = {each.scope for each in standing if _above(here.scope, each.scope, region_of)}
    found: list[tuple[Variant | None, Variant]] = []
    for scope in sorted({here.scope} | narrower - {FILE}, key=lambda scope: (len(scope), scope)):
        now = _usable(base, standing, scope, region_of)
        if now is None and scope != here.scope and _usable(base, then, scope, region_of) is None:
            continue
        found.append((now, at(base, then, scope, region_of)))
    return found


def _usable(base: Variant, standing: Iterable[Setting], scope: str, region_of: RegionOf) -> Variant | None:
    try:
        return at(base, standing, scope, region_of)
    except Misconfigured:
        return None


def needs_second(seen: Outlook) -> bool:
    """Whether a second person must approve: a raise at any of these places, or other limits where monitors get the rule's findings.

    Going down takes one. So a wide setting never moves by one person what is live at a narrower place.
    """
    return any(now is None or _felt(now, then) for now, then in seen)


def _felt(now: Variant, then: Variant) -> bool:
    raised = _ORDER.index(then.stage) > _ORDER.index(now.stage)
    return raised or (then.stage in _LIVE and then.limits != now.limits)


def require_approvable(change: Change, actor: str, standing: Iterable[Change], region_of: RegionOf, now: datetime) -> None:
    """Raises Conflict unless `actor`, somebody else than who proposed it, may let the change come into force.

    `standing`: what is in force of its rule. What came into force since the proposal at its place, at one around it or within it, or in
    the rules file, makes it another change than the one that was proposed.
    """
    require_waiting(change)
    if person(change.proposed_by) == person(actor):
        raise SamePerson(f"change {change.change_id}: {change.proposed_by} proposed it; another person must approve it")
    if now > change.proposed_at + FRESH:
        raise Stale(f"change {change.change_id} has waited for more than {FRESH.days} days; propose it anew")
    for each in standing:
        near = each.scope == FILE or _above(each.scope, change.scope, region_of) or _above(change.scope, each.scope, region_of)
        if near and (each.change_id > change.change_id or (each.decided_at or each.proposed_at) > change.proposed_at):
            raise Overtaken(f"change {change.change_id}: change {each.change_id} came into force there since; propose it anew")


def require_waiting(change: Change) -> None:
    """Raises Conflict for a change that was decided."""
    if not change.waits:
        raise Conflict(f"change {change.change_id} was {change.decision} already, by {change.decided_by}")


def checked_reason(text: str) -> str:
    """A reason without surrounding space. Raises BadInput if it is empty or too long."""
    reason = text.strip()
    if not 0 < len(reason) <= MAX_REASON:
        raise BadInput(f"a reason of 1 to {MAX_REASON} characters is needed, this one has {len(reason)}")
    return reason
