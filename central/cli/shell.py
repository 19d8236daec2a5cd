"""What every command shares: its settings, one line for what the user can mend, and a polite end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from central import migrate as schema
from central.broker import files as broker_files
from central.db import reading
from central.devices import service as devices
from central.errors import BadInput, CentralError
from central.settings import Settings
from central.wiring import Centre, open_centre

ACTOR = "command-line"
MAX_BY = 40
Device = Annotated[str, typer.Argument(help="Name of the terminal.")]
Purpose = Annotated[str, typer.Option(help="What for; it is kept in the audit log.")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="TOML file; config/central.example.toml shows every key.")]


def by_name(name: str) -> str:
    """Who did it, as the audit log says. Raises BadInput for what names nobody."""
    if not (name.strip() and name.isprintable() and len(name) <= MAX_BY) or "/" in name:
        raise BadInput(f"--by {name[:MAX_BY]!r}: give a name of 1 to {MAX_BY} characters without a slash; two people need two names")
    return f"{ACTOR}/{name.strip()}"


def opened(settings: Path | None) -> Centre:
    centre = open_centre(Settings.read(settings))
    schema.require_current(centre.engine)
    return centre


@contextmanager
def explained() -> Iterator[None]:
    """One line for what the user can mend; anything else is a fault of ours and shows its trace."""
    try:
        yield
    except CentralError as error:
        typer.echo(f"central: {error}", err=True)
        raise typer.Exit(2) from None
    except (SQLAlchemyError, OSError, UnicodeDecodeError) as error:
        typer.echo(f"central: {type(error).__name__}: {error}", err=True)
        raise typer.Exit(2) from None


def write_broker_files(centre: Centre) -> tuple[broker_files.BrokerFiles, bool]:
    with reading(centre.engine).begin() as db:
        clients = devices.clients(db)
    settings = centre.settings
    return broker_files.write(
        settings.data_dir / "broker", centre.keys, host=settings.broker.host, port=settings.broker.port, clients=clients
    )


def stop_on_signals() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def progress(line: str) -> None:
    typer.echo(line, err=True)
