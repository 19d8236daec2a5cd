"""The agent's command line: run it, check a terminal, or try one recording."""

import json
import logging
import os
import signal
import sys
from pathlib import Path
from threading import Event
from typing import Annotated, NoReturn

import structlog
import typer

from edge_agent.disk import quarantine
from edge_agent.errors import AgentError
from edge_agent.health import bundle, doctor, logs
from edge_agent.health.checks import secrets
from edge_agent.health.service import ALIVE, READY, STOPPING, ServiceManager
from edge_agent.judging.calibration import measured
from edge_agent.replay import describe_software, enrol, replay, report
from edge_agent.sections.core import Limits
from edge_agent.settings import load
from edge_agent.wiring import build
from models.errors import ModelError
from models.pack import load_pack
from models.session import limit_opencv_threads

log = structlog.get_logger(__name__)

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
app.add_typer(quarantine.app, name="quarantine")
SettingsFile = Annotated[Path, typer.Option(help="The terminal's settings (TOML); config/agent.example.toml shows every one.")]


@app.command()
def run(settings: SettingsFile) -> None:
    """Watch the windows, answer the till and deliver to the centre, until SIGTERM or Ctrl-C."""
    limit_opencv_threads()
    logs.configure()
    stop, manager = Event(), ServiceManager()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        loaded = load(settings)
        if exposed := secrets.check(settings, loaded.windows):
            log.warning("settings_exposed", why=exposed.detail)
        program = build(loaded)
        program.start()
    except (AgentError, ModelError, OSError) as error:
        _fail(error)
    manager.tell(READY, f"STATUS=answers the till on port {program.server.port}")
    while not stop.wait(manager.feed_every_s):
        if still := program.pulses.still():
            log.error("threads_stand_still", threads=still)
        else:
            manager.tell(ALIVE)
    manager.tell(STOPPING)
    program.stop()
    _end()


@app.command()
def check(settings: SettingsFile) -> None:
    """Try everything that the agent needs, one line each; fails if anything is wrong. Stop the agent first: it holds the cameras."""
    limit_opencv_threads()
    try:
        findings = doctor.examine(load(settings), settings)
    except AgentError as error:
        _fail(error)
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.problem is None else 'BAD '} {finding.name}: {finding.problem or 'in order'}")
    raise typer.Exit(int(any(finding.problem for finding in findings)))


@app.command(name="bundle")
def write_bundle(
    settings: SettingsFile,
    out: Annotated[Path, typer.Option(help="File to write (JSON); it must not exist.")],
    log: Annotated[typer.FileText | None, typer.Option(help="The agent's log; `-` reads it from standard input.")] = None,
) -> None:
    """Write what support needs: versions, settings, counts, health and log, without persons, pictures, keys or passwords."""
    try:
        bundle.write(bundle.collect(load(settings), log or ()), out)
    except (AgentError, OSError) as error:
        _fail(error)
    typer.echo(f"written: {out}; read it before you send it")


@app.command(name="replay")
def replay_recording(
    video: Annotated[Path, typer.Option(help="Video, animation, or folder of pictures.")],
    psn_no: Annotated[str, typer.Option(help="Whose card is used.")],
    gallery: Annotated[Path, typer.Option(help="Folder with one picture, clip or folder for each enrolled person, named by psn_no.")],
    models: Annotated[Path | None, typer.Option(help="Folder of the face networks; without it MODELS_DIR, else var/models.")] = None,
    limits: Annotated[Path | None, typer.Option(help="Limits file of `python -m models calibrate`; without it the defaults.")] = None,
    fps: Annotated[float, typer.Option(help="Frames analysed a second; 0 for every frame.", min=0, max=240)] = 6.0,
) -> None:
    """Run one settlement on a recording and print the decision with its reasons as JSON."""
    limit_opencv_threads()
    logs.configure(logging.WARNING)
    try:
        pack = load_pack(models)
        in_force = measured(Limits(measured=limits), pack.embedder.version)
        judgement = replay(pack, video, psn_no, enrol(pack, gallery), limits=in_force, fps=fps or None)
    except (AgentError, ModelError, OSError, ValueError) as error:
        _fail(error)
    if judgement is None:
        _fail(RuntimeError("judging failed; the log says why"))
    typer.echo(json.dumps(report(judgement, describe_software(pack, in_force), in_force), indent=2, ensure_ascii=False))


def _end() -> NoReturn:
    """End at once: everything is durable, and a thread that hangs in the video library would hold up or abort the interpreter's own end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _fail(error: Exception) -> NoReturn:
    typer.echo(f"{type(error).__name__}: {error}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app(prog_name="python -m edge_agent")
