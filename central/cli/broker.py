"""Run a broker, or keep the files of one true that others run: devices are let in and cut off within seconds."""

import shlex
import subprocess
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Annotated

import typer
from sqlalchemy.exc import OperationalError

from central.broker.files import BrokerFiles
from central.broker.process import BrokerProcess, EmbeddedBroker, Mosquitto
from central.cli.shell import SettingsFile, explained, opened, stop_on_signals, write_broker_files
from central.db import reading
from central.devices import service as devices
from central.keys import renew_certificates
from central.wiring import Centre

LOOK_S = 2.0
"""How often the devices are read: a revoked one is cut off so much later at most, and a reload more."""
RELOAD_S = 30.0
RENEW_EVERY_S = 24 * 3600.0


class Kind(StrEnum):
    """Which broker to run."""

    EMBEDDED = "embedded"
    MOSQUITTO = "mosquitto"


def broker(
    settings: SettingsFile = None,
    kind: Annotated[Kind, typer.Option(help="embedded: a NATS server; mosquitto: the system's.")] = Kind.EMBEDDED,
    program: Annotated[Path | None, typer.Option(help="Another server program than the installed one.")] = None,
    reload: Annotated[
        str, typer.Option(help="Run no broker: keep the files true for one that others run, and run this command when they change.")
    ] = "",
) -> None:
    """Run the broker; devices that are enrolled or revoked while it runs are let in or cut off within seconds.

    For a Mosquitto of your own: `--reload "systemctl reload mosquitto"`, and `include_dir` or `-c` for the file that is printed.
    """
    with explained():
        centre = opened(settings)
        stop = stop_on_signals()
        _renewed(centre)
        written, _ = write_broker_files(centre)
        folder = written.nats.parent
        if reload:
            typer.echo(f"files in {folder} are kept true; at a change: {reload}")
            _run(reload)
            _keep_true(centre, stop, lambda: _run(reload), lambda: _run(reload))
            return
        with _made(kind, centre, written, program) as running:
            typer.echo(f"{kind} broker on {centre.settings.broker.host}:{centre.settings.broker.port}; its files lie in {folder}")
            _keep_true(centre, stop, running.reload, running.restart, lambda: running.pid is not None)
            if not stop.is_set():
                typer.echo("the broker ended by itself; its log lies beside its files", err=True)
                raise typer.Exit(1)


def _made(kind: Kind, centre: Centre, files: BrokerFiles, program: Path | None) -> BrokerProcess:
    port, folder = centre.settings.broker.port, files.nats.parent
    if kind is Kind.MOSQUITTO:
        return Mosquitto(configuration=files.mosquitto, port=port, log=folder / "mosquitto.log", program=program)
    return EmbeddedBroker(configuration=files.nats, port=port, log=folder / "nats.log", program=program)


def _keep_true(
    centre: Centre, stop: Event, tell: Callable[[], object], restart: Callable[[], object], runs: Callable[[], bool] = lambda: True
) -> None:
    """Write the files anew when devices or certificates change, and tell the broker; what could not be told is told at the next look.

    Once a day it looks after the broker's own certificate, and starts the broker anew with one that was renewed.
    """
    due, known, renewed_s = False, None, monotonic()
    while runs() and not stop.wait(LOOK_S):
        if monotonic() - renewed_s >= RENEW_EVERY_S:
            renewed_s = monotonic()
            if _renewed(centre):
                due = restart() is False or due
        try:
            with reading(centre.engine).begin() as db:
                newest = devices.newest_change(db)
            if newest != known:
                due, known = write_broker_files(centre)[1] or due, newest
        except OperationalError as error:
            typer.echo(f"the database cannot be read now, the broker goes on as it is: {error.orig}", err=True)
        if due:
            due = tell() is False


def _renewed(centre: Centre) -> bool:
    """Whether a certificate of the broker or the centre was issued anew, because it ended soon."""
    try:
        names = renew_certificates(centre.keys.folder, now=centre.now())
    except OSError as error:
        typer.echo(f"a certificate ends soon and cannot be renewed: {error}; tried again in a day", err=True)
        return False
    for name in names:
        typer.echo(f"the certificate of {name} ended soon and was issued anew, for the same key: {centre.keys.tls(name)[0]}")
    return bool(names)


def _run(command: str) -> bool:
    """Whether the command did its work; one that did not is named, and run again."""
    try:
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=RELOAD_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        typer.echo(f"{command}: {error}; tried again in {LOOK_S:g} s", err=True)
        return False
    if done.returncode:
        typer.echo(f"{command} ended with {done.returncode}: {done.stderr.strip()[-300:]}; tried again in {LOOK_S:g} s", err=True)
    return done.returncode == 0
