"""All SQL about imports themselves and their faults."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from central.feeds.model import Fault
from central.feeds.tables import import_faults, imports

COUNTS = ("rows", "new", "changed", "same", "bad", "invalid", "withdrawn", "remarked", "faults")
_PAGE = 50


def begin(db: Connection, *, dataset: str, kind: str, source: str, sha256: str, actor: str, after: int | None, now: datetime) -> int:
    """Note that an import started; its number."""
    said = {"dataset": dataset, "kind": kind, "source": source[:255], "sha256": sha256, "actor": actor[:64], "after": after}
    statement = insert(imports).values(**said, started_at=now, **dict.fromkeys(COUNTS, 0))
    import_id: int = db.execute(statement.returning(imports.c.import_id)).scalar_one()
    return import_id


def unfinished(db: Connection, *, dataset: str, kind: str, sha256: str) -> RowMapping | None:
    """The newest import of the same content, in the same way, that stopped half-way and can go on."""
    same = (imports.c.dataset == dataset) & (imports.c.kind == kind) & (imports.c.sha256 == sha256)
    same &= imports.c.finished_at.is_(None) & imports.c.after.is_not(None)
    return db.execute(select(imports).where(same).order_by(imports.c.import_id.desc()).limit(1)).mappings().first()


def advance(db: Connection, import_id: int, *, before: int | None, after: int | None, counts: Mapping[str, int]) -> bool:
    """Note how far an import came; False if another process went on with it meanwhile."""
    here = (imports.c.import_id == import_id) & imports.c.finished_at.is_(None)
    here &= imports.c.after.is_(None) if before is None else imports.c.after == before
    return db.execute(update(imports).where(here).values(after=after, **counts)).rowcount == 1


def finish(db: Connection, import_id: int, counts: Mapping[str, int], *, period: tuple[datetime, datetime] | None, now: datetime) -> bool:
    """Note how an import ended; False if that was noted already."""
    full = {"full_from": period[0], "full_to": period[1]} if period else {}
    here = (imports.c.import_id == import_id) & imports.c.finished_at.is_(None)
    return db.execute(update(imports).where(here).values(finished_at=now, **counts, **full)).rowcount == 1


def add_faults(db: Connection, import_id: int, faults: Sequence[Fault]) -> None:
    """Keep why rows were refused."""
    if faults:
        db.execute(insert(import_faults), [asdict(fault) | {"import_id": import_id} for fault in faults])


def faults(db: Connection, import_id: int, *, first: int | None = None) -> Iterator[Fault]:
    """The faults of an import in the order of the file, read as they are asked for; the first ones only, if so many are wanted."""
    query = select(import_faults).where(import_faults.c.import_id == import_id).order_by(import_faults.c.fault_id).limit(first)
    for row in db.execute(query.execution_options(yield_per=1000)):
        yield Fault(line=row.line, column=row.column, value=row.value, message=row.message)


def one(db: Connection, import_id: int) -> RowMapping | None:
    """One import."""
    return db.execute(select(imports).where(imports.c.import_id == import_id)).mappings().first()


def page(db: Connection, *, number: int, dataset: str | None) -> tuple[Sequence[RowMapping], int]:
    """Some imports, newest first, and how many there are."""
    where = _of(dataset)
    total = db.scalar(select(func.count()).select_from(imports).where(where)) or 0
    query: Select[Any] = select(imports).where(where).order_by(imports.c.import_id.desc()).limit(_PAGE).offset((number - 1) * _PAGE)
    return db.execute(query).mappings().all(), total


def _of(dataset: str | None) -> Any:
    return imports.c.dataset == dataset if dataset else imports.c.import_id.is_not(None)
