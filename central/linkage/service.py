"""The ledger: what became of every settlement and every capture."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import ibis
import pyarrow as pa
from sqlalchemy import Connection, Table

from central.arrow import read_table
from central.engines.base import Analysis, sql_of
from central.linkage import pairing, store
from central.linkage.model import CaptureCode, LedgerCounts, LinkLimits, Run, SettlementCode
from central.linkage.pairing import Links
from central.linkage.tables import capture_links, settlement_links

_CHUNK = 5000


def begin_run(db: Connection, *, engine: str, settlements: int, captures: int, started_at: datetime) -> int:
    """Note a reconciliation of so many settlements and captures; its number."""
    return store.begin_run(db, engine=engine, settlements=settlements, captures=captures, started_at=started_at)


def finish_run(db: Connection, run_id: int, *, findings_new: int, now: datetime) -> None:
    """Note that a reconciliation is complete."""
    store.finish_run(db, run_id, findings_new=findings_new, now=now)


def settlements_at(db: Connection, moment: datetime) -> int:
    """How many settlements had been compared by then; 0 before the first run."""
    return store.settlements_at(db, moment)


def link(analysis: Analysis, limits: LinkLimits) -> Links:
    """Pair what was handed over as `settlements` and `captures`; the tables that say so stay in the analysis."""
    plan = pairing.plan(limits, analysis.dialect)
    for step in plan.steps:
        analysis.keep(step.name, step.sql)
    return plan.links


def record(db: Connection, analysis: Analysis, links: Links, run_id: int) -> None:
    """Bring the stored links up to date. Only what differs is written, so that a link keeps the number of the run that set it."""
    for table in (settlement_links, capture_links):
        stored = read_table(db, store.links(table))
        analysis.load(_stored(table), stored)
        gone, fresh = _difference(table, links, analysis.dialect, ibis.Schema.from_pyarrow(stored.schema))
        for rows in _chunks(analysis.rows(gone)):
            store.remove(db, table, [tuple(row[name] for name in store.KEYS[table]) for row in rows])
        for rows in _chunks(analysis.rows(fresh)):
            store.put(db, table, rows, run_id)


def _difference(table: Table, links: Links, dialect: str, schema: ibis.Schema) -> tuple[str, str]:
    """SQL for the keys of links that are not here any more, and for the links that are new or different."""
    linked = links.captures.drop("setl_id").rename(setl_id="linked_setl_id") if table is capture_links else links.settlements
    stored, keys = ibis.table(schema, name=_stored(table)), store.KEYS[table]
    gone = stored.select(*keys).difference(linked.select(*keys))
    return sql_of(gone, dialect), sql_of(linked.select(*stored.columns).difference(stored), dialect)


def _stored(table: Table) -> str:
    return f"stored_{table.name}"


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


def _chunks(batches: Iterator[pa.RecordBatch]) -> Iterator[list[dict[str, Any]]]:
    for batch in batches:
        for start in range(0, batch.num_rows, _CHUNK):
            yield batch.slice(start, _CHUNK).to_pylist()
