"""What the centre ordered, in two small files of the data folder: its signed bytes, verified again each time they are read.

Every change replaces a file whole, so that a crash at any point leaves the state before it or the one after it. An order is `noted`,
`ready` when the program may start anew for it, `trying` from that start on, and `over`. Only `trying` puts new settings above the old ones
before they proved themselves, and a program that starts and finds `trying` knows that the one before it did not come to an end.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog
from pydantic import ValidationError

from contract.commands import Configure, Request, Revoke, parse_command
from contract.ids import Code
from contract.message import MalformedMessage, Record
from contract.sealed import TrustedKey, Untrusted, verify
from edge_agent.chain.capture import Told
from edge_agent.disk.disk import Disk
from edge_agent.disk.vault import OURS

SETTINGS, REVOKED = "ordered-settings", "revoked"

log = structlog.get_logger(__name__)


class Trial(Record):
    """An order on its way. `before` are the self-checks that had a problem before the program started anew for it, and `line` says whether
    the centre was heard then; `result`, `why` and `detail` are what the centre is told when it is over.
    """

    signed: str
    stage: Literal["noted", "ready", "trying", "over"] = "noted"
    before: tuple[Code, ...] = ()
    line: bool = True
    result: Literal["in_force", "refused", "rolled_back"] = "rolled_back"
    why: Code | None = None
    detail: str = ""


class Note(Record):
    """What stands in the file of settings: the order in force and the one on its way, as the centre signed them."""

    in_force: str | None = None
    trial: Trial | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What was read. `in_force` and `tried` are the verified commands, None where none is there, or is not believed: `problem` says why."""

    note: Note
    in_force: Configure | None
    tried: Configure | None
    problem: str | None

    @property
    def stage(self) -> str | None:
        """How far the order on its way is; None without one that is believed."""
        return None if self.tried is None or self.note.trial is None else self.note.trial.stage


class Ledger:
    """The orders of one device. Keeps nothing in memory, so that a command line may change the files while the agent runs."""

    def __init__(self, folder: Path, device: str, centre: Mapping[str, TrustedKey], disk: Disk = OURS) -> None:
        self.folder, self._device, self._centre, self.disk = folder, device, centre, disk

    def read(self) -> Held:
        """What is ordered now. A file, or an order in it, that is not believed counts as none and is named. Raises OSError."""
        path = self.folder / SETTINGS
        try:
            note = Note.model_validate(json.loads(self.disk.read(path)))
        except FileNotFoundError:
            note = Note()
        except (ValidationError, ValueError):
            return Held(note=Note(), in_force=None, tried=None, problem=f"{SETTINGS} is damaged; {_WAY_OUT}")
        in_force, tried = self._configure(note.in_force), self._configure(None if note.trial is None else note.trial.signed)
        faults = [fault for fault in (in_force, tried) if isinstance(fault, str)]
        return Held(
            note=note,
            in_force=in_force if isinstance(in_force, Configure) else None,
            tried=tried if isinstance(tried, Configure) else None,
            problem=f"an order in {SETTINGS} is not believed ({faults[0]}); {_WAY_OUT}" if faults else None,
        )

    def write(self, note: Note) -> None:
        """Keep this from now on, durably. Raises OSError; what stood there before stands then."""
        path = self.folder / SETTINGS
        if note == Note():
            self.disk.remove(path)
            self.disk.sync(self.folder)
        else:
            self.disk.write_durably(path, note.model_dump_json().encode())

    def end(self, note: Note, told: Told) -> Note:
        """The order on its way is over, durably, with what the centre is told; in force, if that is what it is told. Raises OSError."""
        assert note.trial is not None and told.result != "revoked"  # noqa: S101 - what is over was on its way
        outcome = {"stage": "over", "result": told.result, "why": told.why, "detail": plain(told.detail)}
        ended = note.model_copy(update={"trial": note.trial.model_copy(update=outcome)})
        if told.result == "in_force":
            command = self._configure(note.trial.signed)
            set_at_all = isinstance(command, Configure) and command.settings
            ended = ended.model_copy(update={"in_force": note.trial.signed if set_at_all else None})
        self.write(ended)
        log.info("order_over", result=told.result, why=told.why, detail=told.detail)
        return ended

    def revoke(self, signed: bytes) -> None:
        """Note, durably, that this device is revoked. Raises OSError."""
        self.disk.write_durably(self.folder / REVOKED, signed)

    @property
    def revoked(self) -> bool:
        """Whether it is. A file that is damaged, or signed by a key that the centre used once, counts all the same: what was forgotten
        stays forgotten.
        """
        return self.disk.exists(self.folder / REVOKED)

    def revocation(self) -> Revoke | None:
        """The command by which it was; None where it is not, or what is noted cannot be believed. Raises OSError."""
        try:
            command = self._believed(self.disk.read(self.folder / REVOKED))
        except (FileNotFoundError, Untrusted, MalformedMessage):
            return None
        return command if isinstance(command, Revoke) else None

    def _configure(self, signed: str | None) -> Configure | str | None:
        """The command, or why it is not believed."""
        if signed is None:
            return None
        try:
            command = self._believed(signed.encode())
        except (Untrusted, MalformedMessage) as error:
            return str(error)
        return command if isinstance(command, Configure) else "another kind of command"

    def _believed(self, signed: bytes) -> object:
        command = parse_command(verify(signed, self._centre.get, Request.typ).payload)
        if command.device != self._device:
            raise Untrusted("signed for another device")
        return command


def plain(text: str) -> str:
    """The text as a detail that an event may hold: one line, and not long."""
    return "".join(char if char.isprintable() else " " for char in text)[:200]


_WAY_OUT = "this terminal's own settings hold; order them again, or run: python -m edge_agent settings reset"
