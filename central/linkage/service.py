"""The ledger: what became of every settlement and every capture."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import ibis.expr.types as ir
from sqlalchemy import Connection

from central.arrow import read_table
from central.linkage import store
from central.linkage.model import CaptureCode, LedgerCounts, Run, SettlementCode
from central.linkage.pairing import Links
from central.linkage.tables import capture_links, settlement_links

_CHUNK = 5000


def begin_run(db: Connection, *, engine: str, settlements: int, captures: int, started_at: datetime) -> int:
    """Note a reconciliation of so many settlements and captures; its number."""
    return store.begin_run(db, engine=engine, settlements=settlements, captures=captures, started_at=started_at)


def finish_run(db: Connection, run_id: int, *, findings_new: int, now: datetime) -> None:
    """Note that a reconciliation is complete."""
    store.finish_run(db, run_id, findings_new=findings_new, now=now)


def record(db: Connection, analysis: Any, links: Links, run_id: int) -> None:
    """Bring the stored links up to date. Only what differs is written, so that a link keeps the number of the run that set it.

    `analysis` is the Ibis connection on which `links` are expressed.
    """
    for table, fresh in ((settlement_links, links.settlements), (capture_links, links.captures)):
        stored = analysis.create_table(f"stored_{table.name}", read_table(db, store.links(table)))
        keys = store.KEYS[table]
        columns = stored.columns
        for rows in _chunks(stored.select(*keys).difference(fresh.select(*keys))):
            store.remove(db, table, [tuple(row[name] for name in keys) for row in rows])
        for rows in _chunks(fresh.select(*columns).difference(stored)):
            store.put(db, table, rows, run_id)


def ledger(db: Connection) -> LedgerCounts:
    """How many settlements and captures have each code; every code is named."""
    row = store.newest_run(db)
    settlements, captures = dict(store.counts(db, settlement_links)), dict(store.counts(db, capture_links))
    return LedgerCounts(
        settlements={code: settlements.get(code, 0) for code in SettlementCode},
        captures={code: captures.get(code, 0) for code in CaptureCode},
        run=None if row is None else Run(**row),
    )


def code_of_settlement(db: Connection, fixmedins_code: str, setl_id: str) -> SettlementCode | None:
    """What became of one settlement; None before the first reconciliation that knew it."""
    code = store.code_of(db, settlement_links, (fixmedins_code, setl_id))
    return None if code is None else SettlementCode(code)


def code_of_capture(db: Connection, capture_id: str) -> CaptureCode | None:
    """What became of one capture; None before the first reconciliation that knew it."""
    code = store.code_of(db, capture_links, (capture_id,))
    return None if code is None else CaptureCode(code)


def _chunks(rows: ir.Table) -> Iterator[list[dict[str, Any]]]:
    for batch in rows.to_pyarrow().to_batches(max_chunksize=_CHUNK):
        if batch.num_rows:
            yield batch.to_pylist()
