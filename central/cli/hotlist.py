"""The hot list: terminals, models and clerks that nobody should rely on for now."""

from datetime import datetime
from typing import Annotated

import typer

from central.china import CHINA, local_text
from central.cli.shell import ACTOR, SettingsFile, explained, opened
from central.db import reading
from central.hotlist import service as hotlist
from central.hotlist.model import HotKind

app = typer.Typer(no_args_is_help=True, help="Terminals, models and clerks whose evidence people look at again (/second-looks).")


@app.command("add")
def add_entry(
    kind: Annotated[HotKind, typer.Argument(help="What it is about.")],
    value: Annotated[str, typer.Argument(help="Name of the terminal; name or hash of the model; number of the clerk (opter).")],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the audit log and shown with each look.")],
    since: Annotated[datetime | None, typer.Option(help="From when on (Beijing time); without it from now on.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Put something on the list. What it told since then, and from now on, is queued for a second look; nothing is refused."""
    with explained():
        centre = opened(settings)
        after = centre.now() if since is None else since.replace(tzinfo=CHINA)
        with centre.engine.begin() as db:
            number = hotlist.distrust(db, kind, value, reason=reason, since=after, now=centre.now(), actor=ACTOR)
        typer.echo(f"entry {number}: {kind} {value} since {local_text(after)}; `central ingest` queues what came before within seconds")


@app.command("end")
def end_entry(
    entry_id: Annotated[int, typer.Argument(help="Number of the entry, as `list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why it is over.")],
    settings: SettingsFile = None,
) -> None:
    """Take an entry off the list; what it queued stays queued."""
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            hotlist.end(db, entry_id, why=reason, now=centre.now(), actor=ACTOR)
        typer.echo(f"entry {entry_id} is off the list")


@app.command("list")
def list_entries(settings: SettingsFile = None) -> None:
    """Show every entry, newest first, and how many looks are open."""
    with explained():
        centre = opened(settings)
        with reading(centre.engine).begin() as db:
            found, waiting = hotlist.entries(db), hotlist.looks(db, decision="open").total
        for one in found:
            ended = f" (ended {local_text(one.ended_at)}: {one.ended_why})" if one.ended_at else ""
            typer.echo(f"{one.entry_id} {one.kind} {one.value} since {local_text(one.since)} by {one.added_by}: {one.reason}{ended}")
        typer.echo(f"{waiting} second looks are open")
