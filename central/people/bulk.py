"""Enrol a whole register: line by line, each in a transaction of its own, so that it can be stopped and started again at any time."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from io import StringIO
from pathlib import Path

from sqlalchemy import Connection, Engine

from central.audit import service as audit
from central.errors import BadInput, CentralError
from central.people import lists, service
from central.people.enrolment import Registrar
from central.people.model import LooksLikeAnother, PictureUnusable
from central.people.register_file import Fault, Line, RegisterFile, look_at, read_pictures
from central.settings import PeopleSettings

_NEWS = 50
_FIRST = 20
_CALCULATED = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""The wide ones too: spreadsheets in China read them as the others."""


class State(StrEnum):
    """What became of a line."""

    ENROLLED = "enrolled"
    REFUSED = "refused"
    WAITING = "waiting"
    """For a decision of people, because of whom the picture resembles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What reading a register did. `skipped` lines were enrolled by an earlier run; the first of `faults` are here, all are kept."""

    register_id: int
    source: str
    lines: int
    enrolled: int
    skipped: int
    refused: int
    waiting: int
    first_faults: tuple[Fault, ...]

    def texts(self) -> Iterator[str]:
        """For a terminal."""
        yield (
            f"{self.source}, register {self.register_id}: {self.lines} lines: {self.enrolled} enrolled, {self.skipped} enrolled before,"
            f" {self.refused} refused, {self.waiting} wait for a decision"
        )
        for fault in self.first_faults:
            yield f"line {fault.line}, {fault.column or 'line'}: {fault.value!r}: {fault.message}"
        if self.refused + self.waiting > len(self.first_faults):
            yield "--faults FILE writes every one of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """What it takes to enrol registers."""

    engine: Engine
    registrar: Registrar
    settings: PeopleSettings
    now: Callable[[], datetime]
    actor: str

    def run(self, path: Path, progress: Callable[[str], None]) -> Report:
        """Enrol every line that is not enrolled yet; those refused before are tried again, for a picture may have been replaced.

        Reading the same file again is finishing or repeating the same run. Raises BadInput, with nothing kept, for what is no register.
        """
        file = look_at(path)
        with self.engine.begin() as db:
            register_id = lists.register(db, file.name, file.sha256, actor=self.actor, now=self.now())["register_id"]
            before = lists.lines_with(db, register_id, [State.ENROLLED])
        tally: Counter[State] = Counter()
        faults: list[Fault] = []
        for done, entry in enumerate((one for one in file.lines() if one.line not in before), start=1):
            state, fault = self._take(register_id, entry)
            tally[state] += 1
            faults += [] if fault is None or len(faults) >= _FIRST else [fault]
            if done % _NEWS == 0:
                progress(f"{len(before) + done} of {file.total} lines, {tally[State.REFUSED]} refused")
        return self._finish(register_id, file, tally, len(before), faults)

    def _take(self, register_id: int, entry: Line | Fault) -> tuple[State, Fault | None]:
        state, fault = (State.REFUSED, entry) if isinstance(entry, Fault) else self._enrol(entry)
        told = fault or Fault(line=entry.line, column="", value="", message="")
        row = {"register_id": register_id, "line": entry.line, "state": state.value, "at": self.now()}
        said = {"column": told.column[:40], "value": told.value[:80], "codes": list(told.codes), "message": told.message}
        with self.engine.begin() as db:
            lists.put_register_row(db, row | said)
        return state, fault

    def _enrol(self, entry: Line) -> tuple[State, Fault | None]:
        pictures = read_pictures(entry)
        if isinstance(pictures, Fault):
            return State.REFUSED, pictures
        try:
            self.registrar.enrol(replace(entry.request, pictures=pictures), actor=self.actor)
        except LooksLikeAnother as waits:
            return State.WAITING, _fault(entry, "picture", str(waits))
        except PictureUnusable as unusable:
            return State.REFUSED, replace(_fault(entry, "picture", str(unusable)), codes=unusable.codes)
        except CentralError as error:
            if not isinstance(error, BadInput) and error.status != 404:
                raise
            return State.REFUSED, _fault(entry, "fixmedins_code" if error.status == 404 else "", str(error))
        return State.ENROLLED, None

    def _finish(self, register_id: int, file: RegisterFile, tally: Counter[State], before: int, faults: Sequence[Fault]) -> Report:
        counts = {state.value: tally[state] for state in State}
        with self.engine.begin() as db:
            now = self.now()
            lists.finish_register(db, register_id, now=now)
            service.count_faces(db, self.settings.faces_warn, now=now, actor=self.actor)
            detail = {"number": register_id, "skipped": before, **counts}
            audit.record(db, now=now, actor=self.actor, action="register.read", object=file.name, detail=dict(detail))
        return Report(register_id=register_id, source=file.name, lines=file.total, skipped=before, first_faults=tuple(faults), **counts)


def faults_of(db: Connection, register_id: int) -> tuple[Fault, ...]:
    """Every line of a register that is not enrolled now, in order."""
    names = ("line", "column", "value", "message")
    rows = lists.register_faults(db, register_id)
    return tuple(Fault(**{name: row[name] for name in names}, codes=tuple(row["codes"])) for row in rows)


def as_csv(faults: Sequence[Fault]) -> str:
    """The faults as CSV. A value that a spreadsheet would calculate gets an apostrophe in front."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(("line", "column", "value", "codes", "message"))
    for fault in faults:
        writer.writerow((fault.line, fault.column, _inert(fault.value), " ".join(fault.codes), _inert(fault.message)))
    return text.getvalue()


def _inert(text: str) -> str:
    return f"'{text}" if text.strip("\t\r\n\0 \ufeff\u3000").startswith(_CALCULATED) else text


def _fault(entry: Line, column: str, message: str) -> Fault:
    value = entry.request.psn_no if not column else (entry.pictures[0].name if column == "picture" else entry.request.fixmedins_code)
    return Fault(line=entry.line, column=column, value=value, message=message)
