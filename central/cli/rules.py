"""Rules: what holds where, changes and their approval. Two people need two names (`--by`)."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from central.china import local_text
from central.cli import rules_watch
from central.cli.shell import SettingsFile, by_name, explained, opened
from central.db import reading
from central.rulebook import breaker, service, snoozes
from central.rulebook.model import FILE, Change, Wanted
from central.rules.base import Stage
from central.rules.places import EVERYWHERE
from central.rules.registry import RuleBook, read_rules

Result = TypeVar("Result")
app = typer.Typer(no_args_is_help=True, help="Rules: limits by place, stages, versions, trials, snoozes, samples, replay.")
rules_watch.add_to(app)
RuleId = Annotated[str, typer.Argument(help="Number of the rule, e.g. PR-01.")]
Place = Annotated[str, typer.Option("--at", help="Digits of admdvs (province, city, county) or a fixmedins_code; everywhere if not given.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]
By = Annotated[str, typer.Option("--by", help="Who does it; recorded as command-line/NAME. Two people need two names.")]


@app.command("list")
def list_rules(settings: SettingsFile = None) -> None:
    """Every rule with version, stage and how many places have settings of their own; then what waits for a second person or is held."""
    with explained():
        centre = opened(settings)
        book = service.current(centre.engine, centre.settings.rules_file, centre.now())
        with reading(centre.engine).begin() as db:
            waiting, floods, quiet = service.waiting(db), breaker.open_floods(db), snoozes.standing(db)
    for each in (one for one in book.active if one.scope == EVERYWHERE):
        places = sum(one.rule.id == each.rule.id for one in book.active) - 1
        more = f", {places} places of their own" if places else ""
        typer.echo(
            f"{each.rule.id} {each.rule.name_zh} {each.rule.name_en}: {each.stage}, rule {each.rule.version}, setting {each.setting}{more}"
        )
    for rule_id, why in book.unusable:
        typer.echo(f"{rule_id} cannot be run: {why}")
    for change in waiting:
        typer.echo(f"waits: {_told(change)}")
    for flood in floods:
        typer.echo(f"flood {flood.flood_id} of {flood.rule_id} since {local_text(flood.opened_at)}: {flood.found} findings are held")
    for snooze in quiet:
        typer.echo(f"snooze {snooze.snooze_id}: {snooze.rule_id} is quiet about {snooze.subject_key or snooze.fixmedins_code}")


@app.command("show")
def show_rule(rule_id: RuleId, at: Place = EVERYWHERE, settings: SettingsFile = None) -> None:
    """A rule's limits at a place with unit (in the name), default, bounds and reason; and all its changes, newest first."""
    with explained():
        centre = opened(settings)
        base = read_rules(centre.settings.rules_file)
        with reading(centre.engine).begin() as db:
            holds, history = service.holds_at(db, base, rule_id, at), service.history(db, rule_id)
    rule = holds.rule
    typer.echo(
        f"{rule.id} {rule.name_zh} {rule.name_en}: {holds.stage} (begins {rule.stage}: {rule.stage_reason}), setting {holds.setting}"
    )
    for name, value in holds.limits.model_dump(mode="json").items():
        known = rule.limits.model_fields[name]
        typer.echo(f"  {name} = {value} (default {known.default}): {known.description}")
    for change in history:
        typer.echo(_told(change))


@app.command("set")
def set_limits(
    rule_id: RuleId,
    values: Annotated[list[str] | None, typer.Argument(help="NAME=VALUE ...; NAME= goes back to what the wider place says.")] = None,
    *,
    reason: Reason,
    by: By,
    at: Place = EVERYWHERE,
    reset: Annotated[bool, typer.Option("--reset", help="Drop everything that is set at this place.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Set limits of a rule at a place. Limits of a rule that monitors read wait for a second person (`approve`)."""
    with explained():
        wanted = Wanted(rule_id=rule_id, scope=at, reason=reason, limits=rules_watch.pairs(values or []), reset=reset)
    _changed(settings, wanted, by)


@app.command("promote")
def set_stage(
    rule_id: RuleId,
    stage: Annotated[Stage, typer.Argument(help="silent, remind, review or restrict.")],
    reason: Reason,
    by: By,
    at: Place = EVERYWHERE,
    settings: SettingsFile = None,
) -> None:
    """Move a rule to a stage. A raise waits for a second person (`approve`); a lowering holds at once."""
    _changed(settings, Wanted(rule_id=rule_id, scope=at, reason=reason, limits={}, stage=stage), by)


@app.command("approve")
def approve(
    change_id: Annotated[int, typer.Argument(help="Number of the change, as `list` shows it.")],
    by: By,
    reason: Annotated[str, typer.Option(help="What you looked at; it is kept.")] = "",
    settings: SettingsFile = None,
) -> None:
    """Let a change come into force that another person proposed."""
    made = _do(settings, lambda db, base, now: service.approve(db, base, change_id, why=reason, actor=by_name(by), now=now))
    typer.echo(_told(made))


@app.command("refuse")
def refuse(
    change_id: Annotated[int, typer.Argument(help="Number of the change.")], reason: Reason, by: By, settings: SettingsFile = None
) -> None:
    """Drop a change that waits, another person's or one's own."""
    _do(settings, lambda db, _, now: service.refuse(db, change_id, why=reason, actor=by_name(by), now=now))
    typer.echo(f"change {change_id} is refused; what is in force stays")


def _changed(settings: Path | None, wanted: Wanted, by: str) -> None:
    made = _do(settings, lambda db, base, now: service.change(db, base, wanted, actor=by_name(by), now=now))
    typer.echo(_told(made))
    if made.waits:
        typer.echo(f"another person lets it come into force: central rules approve {made.change_id} --by NAME")


def _told(change: Change) -> str:
    place = {FILE: "rules file", EVERYWHERE: "everywhere"}.get(change.scope, change.scope)
    said = ", ".join([*(f"{name} = {value}" for name, value in change.limits.items()), *([change.stage.value] if change.stage else [])])
    state = f"version {change.version}" if change.version else str(change.decision or "waits")
    decided = f", {change.decided_by}" if change.decided_by not in (None, change.proposed_by) else ""
    what = f"{change.rule_id} {place}: {said or 'nothing set'}"
    return f"change {change.change_id} ({state}) {what} ({change.proposed_by}{decided}: {change.reason})"


def _do(settings: Path | None, work: Callable[[Connection, RuleBook, datetime], Result]) -> Result:
    with explained():
        centre = opened(settings)
        base = read_rules(centre.settings.rules_file)
        with centre.engine.begin() as db:
            return work(db, base, centre.now())
