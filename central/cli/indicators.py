"""Indicators on the command line."""

import sys
from datetime import date
from typing import Annotated

import typer

from central.cli.shell import ACTOR, SettingsFile, explained, opened
from central.db import reading
from central.errors import BadInput
from central.indicators import service, shown, telling
from central.indicators.model import INDICATORS, Level, Scope, Standing
from central.indicators.telling import Answer, Asked
from central.rules.service import indicator_limits
from central.sites import service as sites

app = typer.Typer(no_args_is_help=True, help="Indicators of institutions, doctors and regions beside their peers.")


@app.command("show")
def show(
    scope: Annotated[Scope, typer.Option(help="Of whom.")] = Scope.INSTITUTION,
    indicator: Annotated[str, typer.Option(help="One of `central indicators list`; empty: all.")] = "",
    region: Annotated[str, typer.Option(help="First digits of admdvs.")] = "",
    level: Annotated[Level | None, typer.Option(help="Only those with an indicator that stands so.")] = None,
    day: Annotated[str, typer.Option(help="Last day of the figures, like 2026-01-31; empty: the newest.")] = "",
    csv: Annotated[bool, typer.Option("--csv", help="Everything as CSV, as the console's download.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Show who stands how, gravest first: each figure with its N, interval and peers. Taking out a CSV is audited."""
    with explained():
        centre = opened(settings)
        asked = Asked(scope=scope, indicator=indicator, region=region, level=level or "", day=_day(day))
        limits = indicator_limits(centre.settings.rules_file)
        with reading(centre.engine).begin() as db:
            found = telling.answer(db, limits, asked)
            names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
        if csv:
            said = found.day or centre.now().date()
            with centre.engine.begin() as db:
                service.note_export(db, actor=ACTOR, now=centre.now(), scope=scope, day=said.isoformat(), rows=len(found.rows))
            sys.stdout.writelines(shown.standings_csv(found.rows, said, scope.value, names))
            return
        _print(found, asked)


@app.command("list")
def list_indicators() -> None:
    """List what is counted, and which direction is bad."""
    for each in INDICATORS:
        typer.echo(
            f"{each.id:16} {each.measure.value:6} {'low' if each.low_is_bad else 'high'} is bad{', by doctor too' if each.doctors else ''}"
        )


def _print(found: Answer, asked: Asked) -> None:
    if found.last is None:
        typer.echo("nothing has been counted yet: run `central reconcile`")
        return
    typer.echo(f"{found.day}: {len(found.rows)} of scope {asked.scope.value}")
    for told in found.rows:
        for each in told.standings.values():
            if each.figure is not None and (asked.indicator or each.level in (Level.ALERT, Level.WARN)):
                typer.echo(f"{told.subject.code:14} {_said(each)}")


def _said(each: Standing) -> str:
    figure = each.figure
    if figure is None:
        return f"{each.indicator:16} nothing counted"
    name = each.indicator
    line = "" if each.warn is None else f", P{each.warn.percentile} of {each.warn.peers} peers {shown.value(name, each.warn.value)}"
    rose = ", rose" if each.rose else ""
    said = f"{shown.value(name, figure.value):>9} ({shown.interval(name, figure)}; {shown.share(name, figure)})"
    return f"{name:16} {said} {each.level.value}{line}{rose}"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(f"day {text[:40]!r}: write it like 2026-01-31") from None
