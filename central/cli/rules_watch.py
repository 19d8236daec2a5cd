"""Rules under observation: trials, replay, snoozes, samples."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from central.cases import service as cases
from central.china import CHINA, local_text
from central.cli.shell import SettingsFile, by_name, explained, opened, progress
from central.db import reading, unmoved
from central.errors import BadInput
from central.inputs import Inputs
from central.reconciliation.compare import compare
from central.reconciliation.stored import read_inputs
from central.rulebook import breaker, exhibits, sampling, service, snoozes, trials
from central.rulebook.model import Wanted
from central.rulebook.sampling import Drawing, Judgement, Sample
from central.rulebook.snoozes import Quiet
from central.rulebook.trials import Share, Trial, TrialKind
from central.rules.places import EVERYWHERE
from central.rules.registry import read_rules
from central.wiring import Centre

snooze_app = typer.Typer(no_args_is_help=True, help="Let a rule be quiet about a subject or an institution for a while.")
sample_app = typer.Typer(no_args_is_help=True, help="Random samples of what no rule named, for people to look at.")
RuleId = Annotated[str, typer.Argument(help="Number of the rule, e.g. PR-01.")]
Place = Annotated[str, typer.Option("--at", help="Digits of admdvs or a fixmedins_code; everywhere if not given.")]
Values = Annotated[list[str] | None, typer.Argument(help="NAME=VALUE ...: the limits to try.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]
By = Annotated[str, typer.Option("--by", help="Who does it; recorded as command-line/NAME.")]
Moment = Annotated[str | None, typer.Option(help="yyyy-MM-dd HH:mm in China time.")]


def add_to(app: typer.Typer) -> None:
    """Put these commands into the group of rules."""
    app.command("shadow")(shadow)
    app.command("backtest")(backtest)
    app.command("replay")(replay)
    app.add_typer(snooze_app, name="snooze")
    app.add_typer(sample_app, name="sample")


def shadow(rule_id: RuleId, values: Values = None, *, by: By, at: Place = EVERYWHERE, settings: SettingsFile = None) -> None:
    """Run other limits beside the live ones over everything that is here: what would be gained, what lost. Nothing is found or changed."""
    _try(settings, TrialKind.SHADOW, rule_id, values, at, by, (None, None))


def backtest(
    rule_id: RuleId,
    values: Values = None,
    *,
    by: By,
    at: Place = EVERYWHERE,
    since: Moment = None,
    until: Moment = None,
    settings: SettingsFile = None,
) -> None:
    """Hold other limits against what people decided: how many confirmed findings would be lost, how many dismissed ones avoided."""
    with explained():
        span = (_moment(since), _moment(until))
    _try(settings, TrialKind.BACKTEST, rule_id, values, at, by, span)


def replay(jr_id: Annotated[str, typer.Argument(help="jr_id of the finding.")], settings: SettingsFile = None) -> None:
    """Run a past finding's rule over the rows that were kept with it. Ends with 3 if something else comes out."""
    with explained():
        centre = opened(settings)
        with reading(centre.engine).begin() as db:
            said = exhibits.replay(db, jr_id, compare)
    rows = ", ".join(f"{n} {name}" for name, n in sorted(said.rows.items()))
    typer.echo(f"{jr_id}: rule version {said.then_version}, setting {said.setting}, kept {local_text(said.kept_at)}: {rows}")
    if said.code_changed:
        typer.echo(f"the rule has version {said.now_version} by now: what differs may come from the rule")
    if said.version > said.kept_version and not said.same:
        typer.echo(
            f"the rows are of version {said.kept_version} of the finding, which has {said.version} by now: what differs may be later news"
        )
    for name, (then, now) in said.differs.items():
        typer.echo(f"{name} differs\n  then {then}\n  now  {now}")
    typer.echo("the same comes out" if said.same else "something else comes out")
    if not said.same:
        raise typer.Exit(3)


@snooze_app.command("add")
def snooze_add(
    rule_id: RuleId,
    reason: Reason,
    by: By,
    until: Annotated[str, typer.Option(help="When it ends by itself: yyyy-MM-dd HH:mm in China time.")],
    subject: Annotated[str | None, typer.Option(help="subject_key of a finding.")] = None,
    site: Annotated[str | None, typer.Option(help="fixmedins_code.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Take what a rule says about a subject or an institution off the lists until then. All of it is kept and comes back."""
    with explained():
        centre = opened(settings)
        base = read_rules(centre.settings.rules_file)
        service.of_rule(base, rule_id)
        end = _moment(until) or centre.now()
        quiet = Quiet(rule_id=rule_id, until=end, reason=reason, subject_key=subject, fixmedins_code=site)
        with centre.engine.begin() as db:
            made = snoozes.begin(db, quiet, actor=by_name(by), now=centre.now(), group_limits=base.groups)
        typer.echo(f"snooze {made.snooze_id}: {rule_id} is quiet about {subject or site} until {local_text(end)}")


@snooze_app.command("end")
def snooze_end(snooze_id: int, by: By, settings: SettingsFile = None) -> None:
    """End a snooze now."""
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            limits = read_rules(centre.settings.rules_file).groups
            count = snoozes.end(db, snooze_id, actor=by_name(by), now=centre.now(), group_limits=limits)
        typer.echo(f"snooze {snooze_id} is over; {count} findings came back to the lists")


@snooze_app.command("list")
def snooze_list(settings: SettingsFile = None) -> None:
    """Show what is quiet now, and how many findings each holds."""
    with explained():
        centre = opened(settings)
        with reading(centre.engine).begin() as db:
            for each in snoozes.standing(db):
                held = cases.list_findings(db, held=each.holder, size=1).total
                what = f"{each.rule_id} {each.subject_key or each.fixmedins_code}"
                typer.echo(f"{each.snooze_id} {what} until {local_text(each.until)} by {each.account}: {each.reason} ({held} held)")


@sample_app.command("draw")
def sample_draw(
    size: Annotated[int, typer.Argument(help="How many settlements.")],
    reason: Reason,
    by: By,
    days: Annotated[int, typer.Option(min=1, max=3660, help="Of the last so many days.")] = 30,
    rule: Annotated[str | None, typer.Option(help="Only what this rule did not name; all rules if not given.")] = None,
    at: Place = EVERYWHERE,
    settings: SettingsFile = None,
) -> None:
    """Draw settlements that no finding names. The seed is made here and kept, so that anybody can draw the same again (`redraw`)."""
    with explained():
        centre = opened(settings)
        if rule is not None:
            service.of_rule(read_rules(centre.settings.rules_file), rule)
        now = centre.now()
        drawing = Drawing(size=size, since=now - timedelta(days=days), until=now, reason=reason, rule_id=rule, scope=at)
        inputs = _inputs(centre)
        with centre.engine.begin() as db:
            regions = service.regions(db)
            made = sampling.draw(db, drawing, inputs["settlements"], regions, actor=by_name(by), now=now)
    _show(made)


@sample_app.command("redraw")
def sample_redraw(sample_id: int, settings: SettingsFile = None) -> None:
    """Draw a sample again by its seed from what is here now. Ends with 3 if something else comes out that was drawn from then, too."""
    with explained():
        centre = opened(settings)
        inputs = _inputs(centre)
        with reading(centre.engine).begin() as db:
            said = sampling.redraw(db, sample_id, inputs["settlements"], service.regions(db))
    typer.echo(
        f"sample {sample_id}: {len(said.same)} are drawn again, {len(said.gone)} can no longer be: a finding names them, or they left"
    )
    for code, setl_id in said.passed_over:
        typer.echo(f"  {code} {setl_id} is drawn now and was not then: it came since, a finding named it then, or it was passed over")
    if said.passed_over:
        raise typer.Exit(3)


@sample_app.command("judge")
def sample_judge(sample_id: int, number: int, verdict: Judgement, reason: Reason, by: By, settings: SettingsFile = None) -> None:
    """Say of one settlement of a sample whether a rule should have named it."""
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            sampling.judge(db, sample_id, number, verdict, reason=reason, actor=by_name(by), now=centre.now())
            _show(sampling.get(db, sample_id))


@sample_app.command("show")
def sample_show(sample_id: int, settings: SettingsFile = None) -> None:
    """Show a sample and the miss rate that its judged settlements carry."""
    with explained():
        centre = opened(settings)
        with reading(centre.engine).begin() as db:
            _show(sampling.get(db, sample_id))


def tend(centre: Centre, say: Callable[[str], None]) -> None:
    """What is due without news: snoozes that end, floods that people ended, trials that were asked for in the console."""
    with centre.engine.begin() as db:
        breaker.tend(db, read_rules(centre.settings.rules_file), now=centre.now())
    carry_out_waiting(centre, say)


def carry_out_waiting(centre: Centre, say: Callable[[str], None]) -> int:
    """Carry out the trials that were asked for in the console; how many."""
    with reading(centre.engine).begin() as db:
        waiting = trials.waiting(db)
    if waiting:
        inputs = _inputs(centre)
        for trial in waiting:
            say(f"trial {trial.trial_id} of {trial.rule_id}")
            _carried_out(centre, trial, inputs)
    return len(waiting)


def _try(settings: Path | None, kind: TrialKind, rule_id: str, values: list[str] | None, at: str, by: str, span: trials.Span) -> None:
    with explained():
        centre = opened(settings)
        base = read_rules(centre.settings.rules_file)
        wanted = Wanted(rule_id=rule_id, scope=at, reason="", limits=pairs(values or []))
        with centre.engine.begin() as db:
            trial = trials.ask(db, base, wanted, kind, span=span, actor=by_name(by), now=centre.now())
        progress("reading what is here")
        _tell(_carried_out(centre, trial, _inputs(centre)))


def _carried_out(centre: Centre, trial: Trial, inputs: Inputs) -> Trial:
    base = read_rules(centre.settings.rules_file)
    with centre.engine.begin() as db:
        return trials.carry_out(db, trial, inputs, base, compare, now=centre.now())


def _inputs(centre: Centre) -> Inputs:
    with unmoved(centre.engine).begin() as db:
        return read_inputs(db)


def _tell(trial: Trial) -> None:
    told = trial.result
    if told is None:
        typer.echo(f"trial {trial.trial_id} could not be carried out: {trial.failed}", err=True)
        raise typer.Exit(3)
    typer.echo(f"trial {trial.trial_id}: live {told['live']}, draft {told['draft']}: {told['gained']} gained, {told['lost']} lost")
    for code, more, less in told["sites"]:
        typer.echo(f"  {code}: {more} gained, {less} lost")
    typer.echo(f"confirmed findings lost: {_share(trial.confirmed_lost)}")
    typer.echo(f"dismissed findings avoided: {_share(trial.dismissed_avoided)}")


def _share(share: Share) -> str:
    if not share.of:
        return "none was decided that the live limits still show"
    return f"{share.count} of {share.of} (95 %: {share.interval.low:.1%} to {share.interval.high:.1%})"


def _show(sample: Sample) -> None:
    rule = sample.rule_id or "all rules"
    typer.echo(f"sample {sample.sample_id}: {sample.size} of {sample.population} settlements that {rule} did not name, seed {sample.seed}")
    for each in sample.items:
        typer.echo(f"{each.number} {each.fixmedins_code} {each.setl_id} {each.verdict or ''}".rstrip())
    missed, clean = sample.count(Judgement.MISSED), sample.count(Judgement.CLEAN)
    rate = sample.miss_rate
    typer.echo(f"missed: {missed} of {missed + clean} (95 %: {rate.low:.2%} to {rate.high:.2%}), {sample.count(None)} not looked at yet")


def pairs(values: list[str]) -> dict[str, Any]:
    """NAME=VALUE as a table; an empty value is None. Raises BadInput for one without an equals sign."""
    for value in values:
        if "=" not in value:
            raise BadInput(f"{value!r} is not NAME=VALUE, e.g. repeat_days=14")
    return {name: text or None for name, _, text in (value.partition("=") for value in values)}


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)
    except ValueError:
        raise BadInput(f"{text!r} is no time like 2026-01-31 08:00") from None
