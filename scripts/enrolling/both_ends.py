"""Centre and terminal on one machine, enrolled in one call. For demonstrations, runs and tests."""

from dataclasses import dataclass
from pathlib import Path

from central.enrolment import granting
from central.enrolment.model import PlannedCamera, PlannedTerminal
from central.errors import Conflict
from central.sites.model import NewSite
from central.wiring import Centre
from contract.enrolment import read_envelope
from edge_agent.enrol.command import take
from edge_agent.enrol.draft import SETTINGS
from scripts.enrolling.registering import ACTOR, Entry, register


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """One terminal to enrol. `windows` pairs a window's name with its camera; `extra` is TOML put at the end of the settings."""

    device_id: str
    windows: tuple[tuple[str, str], ...]
    broker_host: str
    broker_port: int
    till_port: int
    extra: str = ""


def enrol(centre: Centre, site: NewSite, terminal: Terminal, folder: Path) -> Path:
    """Register site and terminal and enrol into `folder` by the very messages that a network or a stick would carry; its agent.toml.

    Raises Conflict if the folder or the device exists, BadInput for a value that the agent would refuse: nothing is registered then.
    """
    if folder.exists():
        raise Conflict(f"folder {folder} exists: name a new one, so that no key is overwritten")
    planned = PlannedTerminal(
        device_id=terminal.device_id,
        fixmedins_code=site.fixmedins_code,
        cameras=tuple(PlannedCamera(window=window, source=source) for window, source in terminal.windows),
        broker_host=terminal.broker_host,
        broker_port=terminal.broker_port,
        till_port=terminal.till_port,
        extra=terminal.extra,
    )
    with centre.engine.begin() as db:
        token, _ = register(db, centre, Entry(site=site, terminal=planned))
    if token is None:
        raise Conflict(f"terminal {terminal.device_id} is enrolled already: choose another name, or renew its key")

    def carry(request: bytes) -> bytes:
        with centre.engine.begin() as db:
            return granting.answer(db, centre.keys, read_envelope(request), now=centre.now(), actor=ACTOR)

    take(token, folder, carry, now=centre.now)
    return folder / SETTINGS
