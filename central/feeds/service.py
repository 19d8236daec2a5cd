"""What other rooms use of feeds: the specifications of every dataset, their readers, and the import into whoever keeps one."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from central.errors import BadInput, NotFound
from central.feeds import folder, importing, store
from central.feeds.base import Kept
from central.feeds.claims import claims
from central.feeds.datasets import registers, site_code
from central.feeds.files import PUSHED, Source, look_at
from central.feeds.folder import Folder, Progress
from central.feeds.importing import Task
from central.feeds.intake import Key
from central.feeds.keeping import joined
from central.feeds.model import Batch, Fault, Spec
from central.feeds.reading import read
from central.feeds.report import ImportReport, Period
from central.feeds.watching import watching
from central.settings import ClaimSettings

__all__ = [
    "FAULT_HEADER",
    "PUSHED",
    "Folder",
    "ImportReport",
    "Period",
    "Progress",
    "Request",
    "Source",
    "batches",
    "fault_line",
    "faults",
    "folder_specs",
    "import_file",
    "import_of",
    "open_file",
    "read_folder",
    "specs",
    "try_file",
]


def specs(settings: ClaimSettings, *, now: datetime) -> Mapping[str, Spec]:
    """Every dataset that the centre's database takes from outside, by name: claims and the registers."""
    site = site_code(settings.fixmedins_pattern)
    first = claims(site, earliest=settings.earliest, latest=now + timedelta(hours=settings.future_hours))
    return {spec.name: spec for spec in (first, *registers(site))}


def folder_specs(settings: ClaimSettings) -> Mapping[str, Spec]:
    """Every dataset that a folder may hold: those of the database, captures and coverage; of any year up to 2098."""
    site = site_code(settings.fixmedins_pattern)
    earliest, latest = folder.whenever()
    each = (claims(site, earliest=min(earliest, settings.earliest), latest=latest), *registers(site), *watching(site))
    return {spec.name: spec for spec in each}


def read_folder(path: Path, *, settings: ClaimSettings | None = None, progress: Progress = lambda _: None) -> Folder:
    """The datasets of a folder, one file each, by the names and in the schemas of `central.inputs` (claims are `settlements`).

    Raises BadInput for a folder or a file that cannot be read as a whole; refused rows are counted and named in `counts`.
    """
    return folder.open_folder(path, folder_specs(settings or ClaimSettings()), progress)


def open_file(path: Path, spec: Spec) -> Source:
    """Look at a file from end to end. Raises BadInput for what cannot be read as a whole."""
    return look_at(path, spec)


def batches(source: Source, spec: Spec, after: int | None = None) -> Iterator[Batch]:
    """Its rows as typed batches, from line `after` on. Raises BadInput."""
    return read(source, spec, after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A file to import, into whoever keeps its dataset.

    With `period` the file is said to be complete for it: rows that are here and not named are withdrawn, unless a row was refused or more
    than `most_withdrawn` of them would go. `name`: how it is called, if not by its path. `progress` hears of every ten thousand rows.
    """

    kept: Kept
    path: Path
    actor: str
    now: datetime
    most_withdrawn: float
    progress: Progress = lambda _: None
    period: Period | None = None
    kind: str = "file"
    name: str | None = None


def import_file(engine: Engine, request: Request) -> ImportReport:
    """Take a file into the tables that keep its dataset, a few thousand rows a transaction.

    A file (not a push) that was stopped half-way goes on where it stopped when it is imported again. Raises BadInput, with nothing
    stored, if the file as a whole cannot be read; Conflict if another process imports it too.
    """
    return importing.take(_task(engine, request))


def try_file(engine: Engine, request: Request, told: Callable[[Fault], None] = lambda _: None) -> ImportReport:
    """What `import_file` would do; nothing is stored. `told` hears every fault. Raises BadInput."""
    return importing.try_out(_task(engine, request), told)


def _task(engine: Engine, request: Request) -> Task:
    spec = request.kept.spec
    if request.period is not None and spec.moment is None:
        raise BadInput(f"{spec.name} have no time of their own, so no file can be complete for a period of them")
    return Task(
        engine=engine,
        kept=request.kept,
        source=look_at(request.path, spec, request.name),
        kind=request.kind,
        actor=request.actor,
        now=request.now,
        progress=request.progress,
        period=request.period,
        most_withdrawn=request.most_withdrawn,
    )


def import_of(db: Connection, import_id: int) -> Mapping[str, Any]:
    """One import. Raises NotFound."""
    found = store.one(db, import_id)
    if found is None:
        raise NotFound(f"there is no import {import_id}")
    return dict(found)


def imports_page(db: Connection, *, number: int = 1, dataset: str | None = None) -> tuple[list[Mapping[str, Any]], int]:
    """Fifty imports, newest first, and how many there are."""
    rows, total = store.page(db, number=number, dataset=dataset)
    return [dict(row) for row in rows], total


def faults(db: Connection, import_id: int, *, first: int | None = None) -> Iterator[Fault]:
    """Every fault of an import, in the order of the file; the first ones only, if so many are wanted."""
    return store.faults(db, import_id, first=first)


FAULT_HEADER = "line,column,value,message\r\n"


def fault_line(fault: Fault) -> str:
    """A fault as a line of CSV under FAULT_HEADER, for a spreadsheet (write it with a byte-order mark). A value that one would calculate
    gets an apostrophe in front."""
    value = f"'{fault.value}" if fault.value.startswith(("=", "+", "-", "@")) else fault.value
    line = StringIO()
    csv.writer(line).writerow((fault.line, fault.column, value, fault.message))
    return line.getvalue()


def key_text(key: Key) -> str:
    """A row's key as register versions name it."""
    return joined(key)
