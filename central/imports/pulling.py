"""Data fetched from another database, which is only read: spooled to a file, imported, and the place noted up to which it came.

A pull that was stopped goes on: what lies spooled is imported first, from where it stopped, and the place is noted only after that.
Columns that a dataset does not have are named in the report; what they hold, names and identity numbers among it, is never written down.
"""

import csv
import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, create_engine, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from central.china import local_text
from central.errors import BadInput, Conflict, Misconfigured
from central.feeds.base import Kept
from central.feeds.service import ImportReport, Progress, Request, import_file
from central.files import sync_folder, write_whole
from central.imports import store
from central.settings import PullSettings

_NEWS = 100_000
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}")
_LONGEST_PLACE = 64
_LINE_END = re.compile(r"[\r\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """One configured pull, and where it goes. `folder` holds what was fetched until it is imported."""

    settings: PullSettings
    kept: Kept
    folder: Path
    actor: str
    most_withdrawn: float
    now: Callable[[], datetime]
    progress: Progress = lambda _: None

    @property
    def spool(self) -> Path:
        """What was fetched."""
        return self.folder / f"{self.settings.name}.csv"

    @property
    def place(self) -> Path:
        """How far the spooled rows go."""
        return self.folder / f"{self.settings.name}.json"


def run(engine: Engine, pull: Pull) -> list[ImportReport]:
    """Finish what an earlier pull left, then fetch what is new. No report where nothing was new.

    Raises Misconfigured where the other database cannot be reached or the query is wrong, BadInput where required columns are missing,
    Conflict where another process is at the same pull; nothing is lost then, the next pull tries again.
    """
    pull.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(pull):
        reports = [_import(engine, pull)] if pull.spool.exists() else []
        with engine.begin() as db:
            since = store.watermark(db, pull.settings.name)
        if _fetch(pull, since):
            reports.append(_import(engine, pull))
        return reports


@contextmanager
def _alone(pull: Pull) -> Iterator[None]:
    """Two that write one spool would lose rows. The lock goes with its process, however that ends."""
    with (pull.folder / f"{pull.settings.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"pull {pull.settings.name}: another process is at it; this one stops") from None
        yield


def _import(engine: Engine, pull: Pull) -> ImportReport:
    request = Request(
        kept=pull.kept,
        path=pull.spool,
        actor=pull.actor,
        now=pull.now(),
        most_withdrawn=pull.most_withdrawn,
        progress=pull.progress,
        kind="pull",
    )
    try:
        report = import_file(engine, request)
    except BadInput:  # as a whole, so nothing was stored: it is fetched anew when its columns are right again
        pull.spool.unlink()
        pull.place.unlink(missing_ok=True)
        raise
    reached = json.loads(pull.place.read_text(encoding="utf-8"))
    with engine.begin() as db:
        store.set_watermark(db, pull.settings.name, reached, now=pull.now())
    pull.spool.unlink()
    pull.place.unlink()
    return report


def _fetch(pull: Pull, since: str | None) -> bool:
    """Spool what is new; whether there was anything. The spool gets its name only when it is whole, and on the disk with its place."""
    part, reached, count = pull.spool.with_suffix(".part"), since, 0
    known = pull.kept.spec.names()
    with part.open("w", encoding="utf-8", newline="") as out, _rows(pull.settings, since) as rows:
        writer = csv.writer(out, lineterminator="\n")
        for count, row in enumerate(rows, 1):
            if count == 1:
                writer.writerow(row.keys())
            writer.writerow([cell_text(value) if name in known else "" for name, value in row.items()])
            reached = _further(pull.settings, reached, row)
            if count % _NEWS == 0:
                pull.progress(f"{pull.settings.name}: {count} rows fetched")
        out.flush()
        os.fsync(out.fileno())
    if not count:
        part.unlink()
        return False
    write_whole(pull.place, json.dumps(reached).encode(), private=True)
    part.rename(pull.spool)
    sync_folder(pull.folder)
    return True


@contextmanager
def _rows(settings: PullSettings, since: str | None) -> Iterator[Iterator[RowMapping]]:
    """The rows of the query, read as they are asked for, in a transaction that cannot write."""
    try:
        other = create_engine(settings.url.get_secret_value(), hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise Misconfigured(f"pull {settings.name}: its url names no database that can be read: {type(error).__name__}") from None
    try:
        with other.connect() as db:
            _read_only(db)
            statement, given = _statement(settings, since)
            yield iter(db.execution_options(stream_results=True, yield_per=5000).execute(text(statement), given).mappings())
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        raise Misconfigured(f"pull {settings.name}: the other database does not answer as it should: {why}") from None
    finally:
        other.dispose()


def _read_only(db: Connection) -> None:
    if db.dialect.name in {"mysql", "mariadb"}:  # whose times come without zone, in that of the session
        db.exec_driver_sql("SET time_zone = '+08:00'")
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("PRAGMA query_only = ON")
    elif db.dialect.name in {"postgresql", "mysql", "mariadb", "oracle"}:
        db.exec_driver_sql("SET TRANSACTION READ ONLY")


def _statement(settings: PullSettings, since: str | None) -> tuple[str, dict[str, str]]:
    """The first pull takes everything; later ones what lies at the noted place or beyond it, somewhat behind it where that is a time, and
    what has no place at all: what is here already counts as same."""
    source = settings.query.rstrip("; \n") if settings.query else f"SELECT * FROM {settings.table}"  # noqa: S608 - the operator names the table
    if not settings.watermark:
        return source, {}
    column = f"pulled.{settings.watermark}"
    where = "" if since is None else f" WHERE {column} >= :since OR {column} IS NULL"
    statement = f"SELECT * FROM ({source}) pulled{where} ORDER BY {column}"  # noqa: S608 - the operator's own query
    return statement, {} if since is None else {"since": _behind(since, timedelta(minutes=settings.overlap_minutes))}


def _behind(since: str, overlap: timedelta) -> str:
    """A time some time before: a row that was written at this time may have been committed after later ones were fetched."""
    if not overlap or not _TIME.match(since):
        return since
    try:
        return (datetime.fromisoformat(since) - overlap).isoformat(sep=since[10])
    except (ValueError, OverflowError):
        return since


def _further(settings: PullSettings, reached: str | None, row: RowMapping) -> str | None:
    """The place of a row: rows come in its order, so the last one is the furthest."""
    if not settings.watermark:
        return None
    if settings.watermark not in row:
        raise BadInput(f"pull {settings.name}: the query gives no column {settings.watermark}, by which it should know what is new")
    value = row[settings.watermark]
    if value is None:
        return reached
    place = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
    if len(place) > _LONGEST_PLACE:
        raise BadInput(
            f"pull {settings.name}: the column {settings.watermark} holds more than {_LONGEST_PLACE} characters: name a shorter one"
        )
    return place


def cell_text(value: Any) -> str:
    """A value of a database as a file writes it; a row is one line, so a line end in it becomes a space."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, datetime):
        return local_text(value) if value.tzinfo else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else _LINE_END.sub(" ", str(value))
