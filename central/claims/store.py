"""All SQL about settlements, their older versions, imports and faults."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, insert, select, tuple_, update

from central.claims.model import NAMES, Fault, Held, Key, Settlement
from central.claims.tables import claim_faults, claim_imports, settlement_versions, settlements
from central.db import upsert
from central.inputs import SETTLEMENTS

_KEY = ("fixmedins_code", "setl_id")
_columns = settlements.c


def begin_import(db: Connection, *, source: str, sha256: str, now: datetime) -> int:
    """Note that an import started; its number."""
    empty = dict.fromkeys(("rows", "new", "changed", "same", "bad", "invalid"), 0)
    statement = insert(claim_imports).values(source=source, sha256=sha256, started_at=now, **empty)
    import_id: int = db.execute(statement.returning(claim_imports.c.import_id)).scalar_one()
    return import_id


def finish_import(db: Connection, import_id: int, counts: Mapping[str, int], *, now: datetime) -> None:
    """Note how an import ended."""
    db.execute(update(claim_imports).where(claim_imports.c.import_id == import_id).values(finished_at=now, **counts))


def held(db: Connection, keys: Collection[Key]) -> dict[Key, Held]:
    """Which of these settlements are here. On PostgreSQL they stay locked until the caller's transaction ends."""
    query = select(_columns.fixmedins_code, _columns.setl_id, _columns.row_sha256, _columns.import_id)
    rows = db.execute(query.where(_among(keys)).with_for_update())
    return {(row.fixmedins_code, row.setl_id): Held(row_sha256=row.row_sha256, import_id=row.import_id) for row in rows}


def put(db: Connection, rows: Sequence[tuple[Settlement, str]], import_id: int) -> None:
    """Insert or overwrite settlements, given with their hashes."""
    values = [{name: getattr(row, name) for name in NAMES} | {"row_sha256": digest, "import_id": import_id} for row, digest in rows]
    upsert(db, settlements, values, _KEY)


def confirm(db: Connection, keys: Collection[Key], import_id: int) -> None:
    """Note that this import states these settlements as they are."""
    if keys:
        db.execute(update(settlements).where(_among(keys)).values(import_id=import_id))


def keep_versions(db: Connection, keys: Collection[Key], *, now: datetime) -> None:
    """Copy what these settlements say now to the older versions, before it is overwritten or removed."""
    if not keys:
        return
    rows = db.execute(select(settlements).where(_among(keys))).mappings().all()
    versions = [
        {
            "fixmedins_code": row["fixmedins_code"],
            "setl_id": row["setl_id"],
            "row_sha256": row["row_sha256"],
            "row": _settlement(row).as_json(),
            "import_id": row["import_id"],
            "replaced_at": now,
        }
        for row in rows
    ]
    db.execute(insert(settlement_versions), versions)


def remove(db: Connection, keys: Collection[Key]) -> None:
    """Remove settlements."""
    if keys:
        db.execute(delete(settlements).where(_among(keys)))


def add_faults(db: Connection, import_id: int, faults: Sequence[Fault]) -> None:
    """Keep why rows were refused."""
    if faults:
        db.execute(insert(claim_faults), [asdict(fault) | {"import_id": import_id} for fault in faults])


def faults(db: Connection, import_id: int) -> Iterator[Fault]:
    """The faults of an import in the order of the file, read as they are asked for."""
    query = select(claim_faults).where(claim_faults.c.import_id == import_id).order_by(claim_faults.c.fault_id)
    for row in db.execute(query.execution_options(yield_per=1000)):
        yield Fault(line=row.line, column=row.column, value=row.value, message=row.message)


def one(db: Connection, key: Key) -> Settlement | None:
    """One settlement, or None."""
    row = db.execute(select(settlements).where(_among([key]))).mappings().first()
    return None if row is None else _settlement(row)


def imported_by(db: Connection, key: Key) -> RowMapping | None:
    """The newest import that stated a settlement, with the settlement's hash; None if it is not here."""
    query = select(settlements.c.row_sha256, claim_imports).join(claim_imports).where(_among([key]))
    return db.execute(query).mappings().first()


def versions(db: Connection, key: Key) -> Sequence[RowMapping]:
    """What was said of a settlement before, oldest first."""
    same = (settlement_versions.c.fixmedins_code == key[0]) & (settlement_versions.c.setl_id == key[1])
    return db.execute(select(settlement_versions).where(same).order_by(settlement_versions.c.version_id)).mappings().all()


def for_analysis() -> Select[Any]:
    """The columns that linkage and rules read."""
    return select(*(_columns[name] for name in SETTLEMENTS.names if name in _columns))


def _among(keys: Collection[Key]) -> Any:
    return tuple_(_columns.fixmedins_code, _columns.setl_id).in_(list(keys))


def _settlement(row: RowMapping) -> Settlement:
    return Settlement(**{name: row[name] for name in NAMES})
