"""The command line for people on the site: what the centre set on this terminal, and how to take it back. Works without the network."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from edge_agent.disk.disk import Disk
from edge_agent.errors import AgentError
from edge_agent.keyring import put_certificate
from edge_agent.orders import standing
from edge_agent.orders.standing import Standing
from edge_agent.settings import load

app = typer.Typer(no_args_is_help=True, help=__doc__)
SettingsFile = Annotated[Path, typer.Option(help="The terminal's settings (TOML).")]


@app.command()
def show(settings: SettingsFile) -> None:
    """Every setting that the centre has set above the terminal's own file, one a line; changes nothing."""
    try:
        found = standing.look(settings)
        lines = values(found)
    except (AgentError, OSError) as error:
        _fail(error)
    for line in lines:
        typer.echo(line)
    typer.echo(said(found), err=True)


@app.command()
def reset(settings: SettingsFile) -> None:
    """Take all of it back; a running agent starts anew by itself when nobody is being served. Does not undo that a terminal was revoked."""
    try:
        dropped = standing.drop(settings)
    except (AgentError, OSError) as error:
        _fail(error)
    typer.echo("the terminal's own file holds again" if dropped else "nothing is set from afar: the terminal's own file holds")


def take_certificate(
    file: Annotated[Path, typer.Argument(help="What `central device certificate` wrote at the centre.")], settings: SettingsFile
) -> None:
    """Use a certificate that was carried here because this terminal was off-line when its own ended; keys and events stay as they are."""
    try:
        read, disk = load(settings), Disk()
        path = put_certificate(file.read_bytes(), read.device_id, read.files, disk)
    except (AgentError, OSError) as error:
        _fail(error)
    typer.echo(f"{path} holds it; a running agent uses it at its next connection, a service after: systemctl restart edge-agent")


def values(found: Standing) -> list[str]:
    """What is set above the file, as `section.name = value`. Raises OSError."""
    ordered = found.ledger.read().in_force
    table = {} if ordered is None else ordered.settings
    return [f"{section}.{name} = {value}" for section, names in table.items() for name, value in names.items()]


def said(found: Standing) -> str:
    """One line on how it stands with orders. Raises OSError."""
    if found.revoked:
        return "this device is revoked; only a new enrolment, with an empty data folder, sets it up again"
    if found.problem is not None:
        return found.problem
    held = found.ledger.read()
    waits = "" if held.stage in (None, "over") else "; an order waits or is on trial"
    return f"{len(values(found))} settings are set by the centre{waits}"


def _fail(error: Exception) -> NoReturn:
    typer.echo(f"{type(error).__name__}: {error}", err=True)
    raise typer.Exit(2)
