"""The agent's command line: run it, check a terminal, or try one recording."""

import json
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Annotated, NoReturn

import structlog
import typer

from edge_agent.disk import quarantine
from edge_agent.enrol import command as enrolling
from edge_agent.errors import AgentError
from edge_agent.health import bundle, doctor, logs
from edge_agent.health.checks import secrets
from edge_agent.health.service import ALIVE, READY, STOPPING, ServiceManager
from edge_agent.judging.calibration import measured
from edge_agent.orders import site, standing
from edge_agent.orders.standing import Standing
from edge_agent.program import Program
from edge_agent.replay import describe_software, enrol, replay, report
from edge_agent.sections.core import Limits
from edge_agent.wiring import build
from models.errors import ModelError
from models.pack import load_pack
from models.session import limit_opencv_threads

TURN_S = 1.0

log = structlog.get_logger(__name__)

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(site.app, name="settings")
app.command()(enrolling.enrol)
app.command("certificate")(site.take_certificate)
SettingsFile = Annotated[Path, typer.Option(help="The terminal's settings (TOML); config/agent.example.toml shows every one.")]


@app.command()
def run(settings: SettingsFile) -> None:
    """Watch the windows, answer the till and deliver to the centre, until SIGTERM or Ctrl-C."""
    limit_opencv_threads()
    logs.configure()
    stop, manager = Event(), ServiceManager()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    program = _started(settings)
    manager.tell(READY, f"STATUS=answers the till on port {program.server.port}")
    again = _watch_over(program, stop, manager)
    if not again:
        manager.tell(STOPPING)
    program.stop()
    if again and not stop.is_set():
        manager.tell(ALIVE, "STATUS=starts anew, as the centre ordered")
        _start_anew()
    _end()


@app.command()
def check(settings: SettingsFile) -> None:
    """Try everything that the agent needs, one line each; fails if anything is wrong. Stop the agent first: it holds the cameras."""
    limit_opencv_threads()
    try:
        findings = doctor.examine(standing.look(settings))
    except (AgentError, OSError) as error:
        _fail(error)
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.problem is None else 'BAD '} {finding.name}: {finding.problem or finding.says}")
    raise typer.Exit(int(any(finding.problem for finding in findings)))


@app.command(name="bundle")
def write_bundle(
    settings: SettingsFile,
    out: Annotated[Path, typer.Option(help="File to write (JSON); it must not exist.")],
    log: Annotated[typer.FileText | None, typer.Option(help="The agent's log; `-` reads it from standard input.")] = None,
) -> None:
    """Write what support needs: versions, settings, counts, health and log, without persons, pictures, keys or passwords."""
    try:
        bundle.write(bundle.collect(standing.look(settings), log or ()), out)
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


def _started(settings_file: Path) -> Program:
    """The running program. Where it cannot be started with settings on trial they are taken back, and it starts anew with the old ones."""
    begun: Standing | None = None
    try:
        begun = standing.begin(settings_file)
        if exposed := secrets.check(settings_file, begun.settings.windows):
            log.warning("settings_exposed", why=exposed.detail)
        program = build(begun.settings, standing=begun)
        program.start()
    except Exception as error:
        if begun is not None and begun.trying:
            log.exception("not_started_on_trial")
            standing.take_back(begun, error)
            _start_anew()
        if isinstance(error, AgentError | ModelError | OSError):
            _fail(error)
        raise
    return program


def _watch_over(program: Program, stop: Event, manager: ServiceManager) -> bool:
    """Vouch for the program until it is told to stop, or, and then True, should be started anew."""
    reported: tuple[str, ...] = ()
    while not stop.wait(min(manager.feed_every_s or TURN_S, TURN_S)):
        still = program.pulses.still()
        if not still:
            manager.tell(ALIVE)
        elif still != reported:
            log.error("threads_stand_still", threads=still)
        reported = still
        if program.turn():
            return True
    return False


def _start_anew() -> NoReturn:
    """This very command line from its beginning, the same process to whoever watches it; nothing that is open or in memory stays."""
    for number in [int(handle.name) for handle in Path("/proc/self/fd").iterdir()]:
        if number > sys.stderr.fileno():  # a library may have left a camera's handle for those who come after us
            with suppress(OSError):
                os.set_inheritable(number, False)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves


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
