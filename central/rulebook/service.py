"""Settings of rules: proposed with a reason, approved by a second person where that is needed, in force with a version. No commit."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping

from central.audit import service as audit
from central.changes import service as changes
from central.db import from_micros, reading
from central.errors import BadInput, Misconfigured, NotFound
from central.rulebook import store
from central.rulebook.model import (
    FILE,
    MAX_REASON,
    Change,
    Decision,
    Outlook,
    RegionOf,
    Setting,
    Wanted,
    at,
    checked_reason,
    compose,
    needs_second,
    outlook,
    require_approvable,
    require_waiting,
    settled,
)
from central.rules.base import Stage
from central.rules.places import checked_scope
from central.rules.registry import RuleBook, Variant, read_rules
from central.sites import service as sites

FILE_ACTOR = "rules-file"


def current(engine: Engine, rules_file: Path, now: datetime) -> RuleBook:
    """The rules file with everything on top that people have set; what changed in the file becomes a version of its own first.

    Two books are equal when nothing changed between them. Raises Misconfigured for a file that cannot be used: nothing changes then.
    """
    base = read_rules(rules_file)
    with reading(engine).begin() as db:
        new = _unrecorded(db, base)
    if new:
        with engine.begin() as db:
            _record_file(db, base, now)
    with reading(engine).begin() as db:
        return book_of(db, base)


def book_of(db: Connection, base: RuleBook) -> RuleBook:
    """What holds where, from what the file says and what people have set."""
    return compose(base, _standing(db), regions(db))


def of_rule(base: RuleBook, rule_id: str) -> Variant:
    """A rule as the file has it. Raises NotFound for one that is unknown or disabled there."""
    for variant in base.active:
        if variant.rule.id == rule_id:
            return variant
    known = ", ".join(variant.rule.id for variant in base.active)
    raise NotFound(f"{rule_id[:20]!r} is no rule in use; there are {known}")


def holds_at(db: Connection, base: RuleBook, rule_id: str, scope: str) -> Variant:
    """What holds for a rule at a place. Raises NotFound, BadInput, Misconfigured."""
    return at(of_rule(base, rule_id), _standing(db, rule_id), checked_scope(scope), regions(db))


def draft(db: Connection, base: RuleBook, wanted: Wanted) -> Variant:
    """What would hold at a place if this came true; nothing is kept. Raises NotFound, BadInput naming the parameter and its value."""
    return _after(db, base, _checked(wanted))[0][0][1]


def draft_book(db: Connection, base: RuleBook, wanted: Wanted) -> RuleBook:
    """The book as it would be if this came true; nothing is kept. Raises NotFound, BadInput."""
    wanted = _checked(wanted)
    _, limits, stage = _after(db, base, wanted)
    here = Change(
        rule_id=wanted.rule_id,
        scope=wanted.scope,
        limits=limits,
        stage=stage,
        change_id=0,
        reason=wanted.reason,
        proposed_by="",
        proposed_at=from_micros(0),
    )
    others = [each for each in _standing(db) if (each.rule_id, each.scope) != (wanted.rule_id, wanted.scope)]
    return compose(base, [*others, here], regions(db))


def change(db: Connection, base: RuleBook, wanted: Wanted, *, actor: str, now: datetime) -> Change:
    """Set limits or a stage at a place: at once where one person may do that, else to be approved by a second one.

    Raises NotFound, BadInput naming the parameter, and says so where nothing would change. The last good state stays.
    """
    store.lock(db)
    wanted = _checked(wanted)
    because = checked_reason(wanted.reason)
    seen, limits, stage = _after(db, base, wanted)
    before, after = seen[0]
    if before is not None and (before.limits, before.stage) == (after.limits, after.stage) and not wanted.reset:
        raise BadInput(f"{wanted.rule_id} at {wanted.scope or 'every place'} is so already: {_said(limits, stage)}")
    row = {"rule_id": wanted.rule_id, "scope": wanted.scope, "limits": limits, "stage": stage and stage.value}
    number = store.add_change(db, row | {"reason": because, "proposed_by": actor, "proposed_at": now})
    detail: dict[str, Any] = {"change": number, "scope": wanted.scope, "limits": limits, "stage": stage and stage.value, "reason": because}
    audit.record(db, now=now, actor=actor, action="rule.propose", object=wanted.rule_id, detail=detail)
    if not needs_second(seen):
        _put_in_force(db, get(db, number), actor=actor, why="", now=now)
    return get(db, number)


def approve(db: Connection, base: RuleBook, change_id: int, *, why: str = "", actor: str, now: datetime) -> Change:
    """Let a change come into force that somebody else proposed. Raises NotFound, SamePerson, Overtaken, Stale, Conflict."""
    store.lock(db)
    waiting = get(db, change_id)
    if len(why) > MAX_REASON:
        raise BadInput(f"a remark of at most {MAX_REASON} characters, this one has {len(why)}")
    require_approvable(waiting, actor, _standing(db, waiting.rule_id), regions(db), now)
    outlook_of(db, base, waiting)
    _put_in_force(db, waiting, actor=actor, why=why.strip(), now=now)
    return get(db, change_id)


def outlook_of(db: Connection, base: RuleBook, waiting: Change) -> Outlook:
    """What a change that waits would do, place by place. Raises NotFound for a rule that is gone, Misconfigured naming a place."""
    return outlook(of_rule(base, waiting.rule_id), _standing(db, waiting.rule_id), waiting, regions(db))


def refuse(db: Connection, change_id: int, *, why: str, actor: str, now: datetime) -> None:
    """Drop a change that waits, somebody else's or one's own; nothing that is in force changes. Raises NotFound, Conflict, BadInput."""
    store.lock(db)
    waiting, because = get(db, change_id), checked_reason(why)
    require_waiting(waiting)
    store.decide(db, change_id, _decision(Decision.REFUSED, actor, because, now))
    detail: dict[str, Any] = {"change": change_id, "proposed_by": waiting.proposed_by, "reason": because}
    audit.record(db, now=now, actor=actor, action="rule.refuse", object=waiting.rule_id, detail=detail)


def get(db: Connection, change_id: int) -> Change:
    """One change. Raises NotFound."""
    row = store.change(db, change_id)
    if row is None:
        raise NotFound(f"change {change_id} is not here; `central rules list` shows those that wait")
    return _change(row)


def history(db: Connection, rule_id: str) -> tuple[Change, ...]:
    """Every change of a rule, newest first, the file's among them."""
    return tuple(_change(row) for row in store.changes(db, rule_id))


def waiting(db: Connection) -> tuple[Change, ...]:
    """Changes that wait for a second person, oldest first."""
    return tuple(_change(row) for row in store.waiting(db))


def _checked(wanted: Wanted) -> Wanted:
    return replace(wanted, scope=checked_scope(wanted.scope))


def _after(db: Connection, base: RuleBook, wanted: Wanted) -> tuple[Outlook, dict[str, Any], Stage | None]:
    """What would hold at each place, with the overrides as the rule reads them. Raises NotFound, BadInput naming place and parameter."""
    variant, standing = of_rule(base, wanted.rule_id), _standing(db, wanted.rule_id)
    limits, stage = settled(variant, standing, wanted)
    try:
        seen = outlook(variant, standing, Setting(scope=wanted.scope, limits=limits, stage=stage), regions(db))
    except Misconfigured as error:
        raise BadInput(str(error)) from None
    plain = seen[0][1].limits.model_dump(mode="json")
    return seen, {name: plain[name] for name in limits}, stage


def _put_in_force(db: Connection, change: Change, *, actor: str, why: str, now: datetime) -> None:
    version = store.next_version(db, change.rule_id)
    store.decide(db, change.change_id, _decision(Decision.APPROVED, actor, why, now) | {"version": version})
    detail: dict[str, Any] = {
        "change": change.change_id,
        "version": version,
        "scope": change.scope,
        "proposed_by": change.proposed_by,
        "reason": why,
    }
    audit.record(db, now=now, actor=actor, action="rule.in_force", object=change.rule_id, detail=detail)
    changes.note_all(db)


def _decision(decision: Decision, actor: str, why: str, now: datetime) -> dict[str, Any]:
    return {"decision": decision.value, "decided_by": actor, "decided_at": now, "decided_why": why}


def _unrecorded(db: Connection, base: RuleBook) -> list[Variant]:
    """Rules of which the file says something else than what is recorded."""
    recorded = {each.rule_id: each.limits for each in _standing(db) if each.scope == FILE}
    return [each for each in base.active if recorded.get(each.rule.id) != each.limits.model_dump(mode="json")]


def _record_file(db: Connection, base: RuleBook, now: datetime) -> None:
    store.lock(db)
    versions: dict[str, int] = {}
    for each in _unrecorded(db, base):
        versions[each.rule.id] = store.next_version(db, each.rule.id)
        row = {"rule_id": each.rule.id, "scope": FILE, "limits": each.limits.model_dump(mode="json"), "reason": "", "stage": None}
        told = row | {"proposed_by": FILE_ACTOR, "proposed_at": now, "version": versions[each.rule.id]}
        store.add_change(db, told | _decision(Decision.APPROVED, FILE_ACTOR, "", now))
    if versions:
        audit.record(db, now=now, actor=FILE_ACTOR, action="rule.file", object="rules_file", detail={"versions": dict(versions)})


def _standing(db: Connection, rule_id: str | None = None) -> list[Change]:
    return [_change(row) for row in store.standing(db) if rule_id in (None, row["rule_id"])]


def regions(db: Connection) -> RegionOf:
    """Where each institution lies, as the register of sites says."""
    known = {site.fixmedins_code: site.admdvs for site in sites.all_sites(db)}
    return known.get


def _said(limits: Mapping[str, Any], stage: Stage | None) -> str:
    return (
        ", ".join([*(f"{name} = {value}" for name, value in limits.items()), *([stage.value] if stage else [])]) or "nothing is set there"
    )


def _change(row: RowMapping) -> Change:
    said = dict(row) | {"stage": row["stage"] and Stage(row["stage"]), "decision": row["decision"] and Decision(row["decision"])}
    return Change(**said)
