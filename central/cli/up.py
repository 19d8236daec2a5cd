"""The whole centre on one machine: one command in place of migrate, broker, ingest, serve and reconcile."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from central.broker.process import end
from central.cli.broker import Kind
from central.cli.follow import DAY_S
from central.cli.shell import SettingsFile, explained, stop_on_signals
from central.errors import Misconfigured
from central.settings import Settings

FIRM_S = 10.0
"""A part that ends sooner after its first start was not given what it needs; one that ran longer is started again."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
STOP_S = 15.0


@dataclass(slots=True)
class Part:
    """One program of the centre as a process of its own; what it says goes where ours does."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    began_s: float = 0.0
    again_s: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    firm: bool = False

    def start(self) -> None:
        """Start it."""
        self.process, self.began_s = subprocess.Popen(self.command, stdin=subprocess.DEVNULL), time.monotonic()

    def watch(self) -> None:
        """Start it again after a pause if it ended. Raises Misconfigured if it never ran."""
        now_s = time.monotonic()
        if self.process is not None and self.process.poll() is None:
            if now_s - self.began_s > FIRM_S:
                self.firm, self.pause_s = True, FIRST_PAUSE_S
            return
        if not self.firm:
            raise Misconfigured(f"`central {self.name}` did not start; it says why above")
        if self.process is not None:
            typer.echo(f"{self.name} ended with {self.process.returncode} and is started again in {self.pause_s:g} s", err=True)
            self.process, self.again_s = None, now_s + self.pause_s
            self.pause_s = min(2 * self.pause_s, LONGEST_PAUSE_S)
        elif now_s >= self.again_s:
            self.start()

    def stop(self) -> None:
        """End it politely, then by force."""
        if self.process is not None:
            end(self.process, STOP_S)


def up(
    settings: SettingsFile = None,
    broker: Annotated[Kind, typer.Option(help="embedded: a NATS server; mosquitto: the system's.")] = Kind.EMBEDDED,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two comparisons of everything; news is compared at once.")] = DAY_S,
) -> None:
    """Run the whole centre on this machine until Ctrl-C: keys and database are made at the first start, then broker, ingest, console and
    reconciliation run as processes of their own, and one that ends is started again. For more machines start the parts one by one.
    """
    with explained():
        read, stop, begun_s = Settings.read(settings), stop_on_signals(), time.monotonic()
        if subprocess.run(_command("migrate", settings), check=False).returncode:
            raise Misconfigured("`central migrate` failed; it says why above")
        parts = [Part("broker", _command("broker", settings, "--kind", broker)), Part("ingest", _command("ingest", settings))]
        parts += [
            Part("serve", _command("serve", settings)),
            Part("reconcile", _command("reconcile", settings, "--follow", "--every", f"{every:g}")),
        ]
        address = f"http://{read.web.host}:{read.web.port}"
        try:
            for part in parts:
                part.start()
            _run(parts, stop, f"{address}/healthz", lambda: _greet(address, time.monotonic() - begun_s))
        finally:
            for part in reversed(parts):
                part.stop()


def _run(parts: list[Part], stop: Event, healthy: str, greet: Callable[[], None]) -> None:
    greeted = False
    while not stop.wait(0.3):
        for part in parts:
            part.watch()
        if not greeted and _answers(healthy):
            greeted = True
            greet()


def _greet(address: str, seconds: float) -> None:
    typer.echo(f"the centre is up after {seconds:.0f} s: console {address}/")
    typer.echo("next, in another shell: python -m scripts.enrol_site site --help")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1) as answer:  # noqa: S310 - our own console
            return bool(answer.status == 200)
    except OSError:
        return False


def _command(name: str, settings: Path | None, *more: str) -> list[str]:
    named = [] if settings is None else ["--settings", str(settings)]
    return [sys.executable, "-m", "central", name, *named, *more]
