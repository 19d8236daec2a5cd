"""`python -m edge_agent enrol`: from a token to a trusted terminal, and what was found there."""

import getpass
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from contract.enrolment import BadToken, Token
from edge_agent.disk.disk import Disk
from edge_agent.disk.stores import NAME
from edge_agent.enrol import acceptance, unit, weights
from edge_agent.enrol.carriers import TOKEN_FILE, Carrier, by_http, by_stick, request_on
from edge_agent.enrol.draft import SETTINGS, Draft, Places, damaged
from edge_agent.errors import AgentError, BadKey, EnrolmentFailed
from edge_agent.health import logs
from edge_agent.health.doctor import Finding
from edge_agent.keyring import ROTATED
from edge_agent.settings import Settings, load
from models import files
from models.errors import ModelError
from models.session import limit_opencv_threads

NOT_ACCEPTED = 3
Say = Callable[[str], None]


def enrol(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command line
    token: Annotated[
        str, typer.Argument(help="The token that the centre printed; @FILE or - (standard input) keeps it out of the list of processes.")
    ] = "",
    folder: Annotated[Path, typer.Option(help="Where settings and keys shall stand.")] = Path("/etc/edge-agent"),
    stick: Annotated[
        Path | None,
        typer.Option(help="Without a line: a folder on a stick. Give the command once before the way to the centre, once after."),
    ] = None,
    models_from: Annotated[
        Path | None,
        typer.Option(help="Folder with the face networks, so that none is downloaded; without it STICK/models if that is there."),
    ] = None,
    models: Annotated[Path | None, typer.Option(help="Where the networks shall lie; without it MODELS_DIR, else var/models.")] = None,
    data_dir: Annotated[str, typer.Option(help="Where events and film shall lie; taken from the settings' folder if it is relative.")] = "",
    by: Annotated[str, typer.Option(help="Who installs; stands in the acceptance report.")] = "",
    service: Annotated[bool, typer.Option("--service", help="Install and start the agent as a service of this machine (root).")] = False,
    units: Annotated[Path, typer.Option(help="With --service: where units lie.")] = unit.UNITS,
    run: Annotated[bool, typer.Option("--run", help="Run the agent here at once, until Ctrl-C; for trying things out.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="A folder that stands there is kept beside under another name.")] = False,
) -> None:
    """Make this machine a trusted terminal: keys are made here and never leave it, the centre answers once, and everything is tried.

    Whatever interrupts it, give the same command again; it goes on where it was. Fails with 2 if the terminal is not enrolled, with 3 if it
    is and the acceptance report names something that is wrong.
    """
    limit_opencv_threads()
    logs.configure(logging.WARNING)
    folder = folder.absolute()
    networks = models or (files.default_folder() if service else None)
    places = (data_dir or (unit.STATE_DIR if service else "data"), str(networks.resolve()) if networks else "")
    try:
        read = _token(token, stick)
        _require_place(Path(places[0]), served=service and units == unit.UNITS)
        carrier = by_stick(stick, read.device, Disk()) if stick else by_http(read)
        settings = take(read, folder, carrier, places, replace=replace, say=typer.echo)
        if settings is None:
            return _tell_the_way(stick or Path(), read)
        typer.echo(f"{read.device} of {read.fixmedins_code} is enrolled; its settings and keys stand in {folder}")
        _require_place(settings.files.data_dir, served=service and units == unit.UNITS)
        accepted = _accept(folder, settings, _source(models_from, stick), by or getpass.getuser())
        if service:
            typer.echo(unit.install(folder, units, [settings.files.models_dir or files.default_folder()]))
        else:
            _start(folder / SETTINGS, at_once=run)
    except (AgentError, BadToken, ModelError, OSError) as error:
        typer.echo(f"enrol: {_plain(error)}", err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(0 if accepted else NOT_ACCEPTED)


def _require_place(data_dir: Path, *, served: bool) -> None:
    """Refuse a place that the service here could not use; a unit laid elsewhere is installed by somebody who sees to its places."""
    if served:
        unit.require_place(data_dir)


def _start(settings_file: Path, *, at_once: bool) -> None:
    """Become the agent, so that nothing of the enrolment stays in memory, or say how it is started."""
    if not at_once:
        typer.echo(f"start it with: python -m edge_agent run --settings {settings_file}")
        return
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "edge_agent", "run", "--settings", str(settings_file)])  # noqa: S606 - ourselves


def take(
    token: Token,
    folder: Path,
    carry: Carrier,
    places: Places = ("data", ""),
    *,
    replace: bool = False,
    disk: Disk | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    say: Say = lambda _: None,
) -> Settings | None:
    """Enrol into `folder`; the settings as they are then, None while the request is still on its way.

    May be repeated after any break. Where this token was used for that folder before, nothing is done. Raises EnrolmentFailed, another
    AgentError or OSError; the folder is as it was then.
    """
    draft = Draft(folder, token, disk or Disk())
    if draft.done:
        say("this token was used here before; nothing is asked again")
        return load(folder / SETTINGS)
    if folder.exists() and not replace:
        raise EnrolmentFailed(f"{folder} stands there: name another folder, or say --replace to keep it beside and put a new one there")
    for place in {folder / places[0], _place_of_events(folder, places)}:
        _require_no_old_events(place)
    draft.begin(now())
    say(f"keys are made; asking the centre for {token.device}")
    try:
        request = draft.request(now())
    except BadKey as error:
        raise damaged(error, folder) from None
    answer = carry(request)
    if answer is None:
        return None
    aside = folder.with_name(f"{folder.name}.replaced-{now():%Y%m%dT%H%M%S}") if replace else None
    return draft.finish(answer, places, now(), aside=aside)


def _place_of_events(folder: Path, places: Places) -> Path:
    """Where the terminal that stands there keeps its events; where none does, where it shall."""
    try:
        return load(folder / SETTINGS).files.data_dir
    except AgentError:
        return folder / places[0]


def _require_no_old_events(place: Path) -> None:
    """Events of keys that are about to be replaced would stay where nobody sends them, and keys that replaced those would go on signing."""
    if not any((place / name).exists() for name in (NAME, ROTATED)):
        return
    real = place.resolve()
    move = f"mv {real} {real}.old" + (f" && rm {place}" if place.is_symlink() else "")
    raise EnrolmentFailed(
        f"{place} holds the events of an earlier enrolment: let the old agent deliver them first (backlog 0 in /health) and stop it, then "
        f"move the folder away ({move}), and give the same command again"
    )


def _token(text: str, stick: Path | None) -> Token:
    """The token from the command line, a file, standard input, or the stick."""
    if text == "-":
        return Token.read(sys.stdin.read())
    if not text and stick is None:
        raise EnrolmentFailed("name the token that the centre printed, @FILE that holds it, or --stick FOLDER with the file token.txt")
    path = Path(text[1:]) if text.startswith("@") else stick / TOKEN_FILE if stick and not text else None
    return Token.read(path.read_text(encoding="utf-8-sig", errors="replace") if path else text)


def _source(models_from: Path | None, stick: Path | None) -> Path | None:
    beside = [stick / "models", stick.parent / "models"] if stick else []
    return models_from or next((place for place in beside if place.is_dir()), None)


def _tell_the_way(stick: Path, token: Token) -> None:
    typer.echo(f"the request lies in {request_on(stick, token.device)}")
    typer.echo("carry the stick to the centre; there: python -m scripts.enrol_site answer " + request_on(stick, token.device).name)
    typer.echo("then bring it back and give the same command again")


def _accept(folder: Path, settings: Settings, source: Path | None, by: str) -> bool:
    lacking = weights.bring(settings.files.models_dir or files.default_folder(), source, typer.echo)
    more = [Finding(name="networks", problem=lacking)] if lacking else []
    report = acceptance.look(folder / SETTINGS, by=by, at=datetime.now(UTC), more=more)
    page = acceptance.keep(report, folder, Disk())
    typer.echo("\n".join(["", *acceptance.lines(report), f"kept as {page}"]))
    return report.accepted


def _plain(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error}. Nothing half done is in force; make room or rights, and give the same command again"
    return str(error)
