"""With what settings this start runs: the terminal's own file, above it what the centre ordered, above both the environment.

Whatever lies in the data folder, the program starts: with new settings once, with the old ones after that unless the new ones proved
themselves, and with its own file alone where an order is damaged or does not fit the file any more.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge_agent.chain.capture import Told
from edge_agent.disk.disk import Disk
from edge_agent.disk.vault import OURS
from edge_agent.errors import AgentError, BadSettings
from edge_agent.keys import trusted
from edge_agent.orders.ledger import SETTINGS, Held, Ledger, Note, plain
from edge_agent.settings import HINT, Settings, load
from models.errors import ModelError

FACES = ("gallery.db", "film.db")
"""Stores of templates and film, with their logs and with what was set aside of them."""
INTERRUPTED = Told(result="rolled_back", why="interrupted", detail="the program ended before the time of trial was over")
RESET = Told(result="rolled_back", why="reset_on_site", detail="somebody on the site took the centre's settings back")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds from this start on. `in_force` is the order above the file, as it is signed; `trying` says that one on trial stands there
    instead; `problem` names an order that does not hold.
    """

    file: Path
    settings: Settings
    ledger: Ledger
    in_force: str | None
    trying: bool
    problem: str | None
    revoked: bool


def look(file: Path, disk: Disk = OURS) -> Standing:
    """How it stands now; changes nothing, and what is on trial does not count. Raises BadSettings, BadKey or OSError."""
    ledger = _ledger(load(file), disk)
    return _in_force(file, ledger, ledger.read())


def begin(file: Path, disk: Disk = OURS) -> Standing:
    """Take the step that is due at a start: try an order that is ready, or take one back that was tried in vain, durably.

    A revoked device loses every template and all film here, before anything reads them. Raises BadSettings for the terminal's own file,
    BadKey, or OSError.
    """
    ledger = _ledger(load(file), disk)
    if ledger.revoked:
        forget_faces(ledger)
    held = ledger.read()
    try:
        if held.stage == "trying":
            ledger.end(held.note, INTERRUPTED)
        elif held.stage == "ready" and not ledger.revoked:
            return _try(file, ledger, held)
    except OSError as error:
        log.warning("order_not_tried", why=str(error))
    return _in_force(file, ledger, ledger.read())


def _ledger(own: Settings, disk: Disk) -> Ledger:
    return Ledger(own.files.data_dir, own.device_id, trusted(own.centre.sign_keys), disk)


def _try(file: Path, ledger: Ledger, held: Held) -> Standing:
    assert held.tried is not None and held.note.trial is not None  # noqa: S101 - a stage is that of an order
    try:
        settings = load(file, held.tried.settings)
    except BadSettings as error:
        ledger.end(held.note, Told(result="refused", why="bad_value", detail=said(error, file)))
        return _in_force(file, ledger, ledger.read())
    ledger.write(held.note.model_copy(update={"trial": held.note.trial.model_copy(update={"stage": "trying"})}))
    log.info("order_on_trial", request=held.tried.request)
    return Standing(
        file=file, settings=settings, ledger=ledger, in_force=held.note.in_force, trying=True, problem=held.problem, revoked=False
    )


def _in_force(file: Path, ledger: Ledger, held: Held) -> Standing:
    problem = held.problem
    try:
        settings = load(file, None if held.in_force is None else held.in_force.settings)
    except BadSettings as error:
        settings, problem = load(file), f"the ordered settings do not fit this terminal's file: {said(error, file)}"
    return Standing(
        file=file,
        settings=settings,
        ledger=ledger,
        in_force=held.note.in_force,
        trying=False,
        problem=problem,
        revoked=ledger.revoked,
    )


def take_back(standing: Standing, error: Exception) -> None:
    """The program did not start with the settings on trial. Where that cannot be noted, the next start finds them untried to the end."""
    named = f": {said(error, standing.file)}" if isinstance(error, AgentError | ModelError) else ""
    try:
        note = standing.ledger.read().note
        if note.trial is not None:
            standing.ledger.end(note, Told(result="rolled_back", why="start_failed", detail=f"{type(error).__name__}{named}"))
    except OSError as unwritten:
        log.warning("order_not_ended", why=str(unwritten))


def drop(file: Path) -> bool:
    """Take all orders on settings back, on the site and without the network; whether there was any. The centre is told of one that was on
    its way. A running agent starts anew for it when nobody is being served. Raises BadSettings, BadKey or OSError.
    """
    ledger = _ledger(load(file), OURS)
    held = ledger.read()
    if held.note == Note() and held.problem is None:
        return False
    if held.stage in (None, "over"):
        ledger.write(Note(trial=held.note.trial if held.stage == "over" else None))
    else:
        ledger.end(held.note.model_copy(update={"in_force": None}), RESET)
    _give_to_the_agent(ledger.folder)
    return True


def said(error: Exception, file: Path) -> str:
    """The error as a detail that an event may hold, without where the settings lie."""
    text = str(error).removeprefix(f"{file}: settings: ").removesuffix(HINT)
    return plain(text)


def forget_faces(ledger: Ledger) -> None:
    """Remove the stores of templates and film, durably; what a running program still holds open goes when it ends. Raises OSError."""
    folder, disk = ledger.folder, ledger.disk
    if not disk.exists(folder):
        return
    names = [name for name in disk.names(folder) if name.startswith(FACES)]
    for name in names:
        disk.remove(folder / name)
    disk.sync(folder)
    log.warning("faces_forgotten", count=len(names))


def _give_to_the_agent(folder: Path) -> None:
    """What the system's administrator wrote must be readable by the user of the agent."""
    path, owner = folder / SETTINGS, folder.stat()
    if path.exists() and os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)
