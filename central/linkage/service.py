"""The ledger: what became of every settlement and every capture."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import ibis
import pyarrow as pa
from sqlalchemy import Connection, RowMapping, Table

from central.arrow import read_table
from central.engines.base import Analysis, sql_of
from central.errors import BadInput, NotFound
from central.linkage import pairing, store
from central.linkage.model import (
    CaptureCode,
    Entry,
    EntryPage,
    LedgerBroken,
    LedgerCounts,
    LinkLimits,
    Run,
    RunKind,
    Said,
    SettlementCode,
    Why,
    why,
)
from central.linkage.pairing import Links
from central.linkage.tables import capture_links, settlement_links

_CHUNK = 5000
_LARGEST_PAGE = 500
CODES = {"settlement": tuple(code.value for code in SettlementCode), "capture": tuple(code.value for code in CaptureCode)}
"""Every code of each side."""


def begin_run(db: Connection, *, engine: str, settlements: int, captures: int, started_at: datetime, kind: RunKind = RunKind.FULL) -> int:
    """Note a reconciliation of so many settlements and captures; its number."""
    return store.begin_run(db, engine=engine, settlements=settlements, captures=captures, started_at=started_at, kind=kind.value)


def finish_run(db: Connection, run_id: int, *, findings_new: int, now: datetime) -> None:
    """Note that a reconciliation is complete."""
    store.finish_run(db, run_id, findings_new=findings_new, now=now)


def newest_run(db: Connection) -> int:
    """The number of the newest run, 0 before the first."""
    return store.newest_number(db)


def lock_runs(db: Connection) -> int:
    """The number of the newest run, which stays the newest until the caller's transaction ends."""
    store.lock_runs(db)
    return store.newest_number(db)


def settlements_at(db: Connection, moment: datetime) -> int:
    """How many settlements had been compared by then; 0 before the first run."""
    return store.settlements_at(db, moment)


def link(analysis: Analysis, limits: LinkLimits) -> Links:
    """Pair what was handed over as `settlements` and `captures`; the tables that say so stay in the analysis."""
    plan = pairing.plan(limits, analysis.dialect, numbered=analysis.numbered)
    for step in plan.steps:
        (analysis.keep if step.kept else analysis.show)(step.name, step.sql)
    for name in plan.passing:
        analysis.forget(name)
    return plan.links


def load_stored(db: Connection, analysis: Analysis) -> None:
    """Hand the links as they stand to the analysis, where `record` compares with them."""
    for table in (settlement_links, capture_links):
        analysis.load(stored_name(table.name), read_table(db, store.links(table)))


def stored_name(table: str) -> str:
    """The name in the analysis of the links as they stand; whoever knows them without the database may keep them there himself."""
    return f"stored_{table}"


def record(db: Connection, analysis: Analysis, links: Links, run_id: int, *, now: datetime, sites: Sequence[str] | None = None) -> int:
    """Bring the stored links up to date with what was linked; of these institutions, or of all. How many changed.

    The analysis holds the links as they stand (`load_stored`). Only what differs is written, so that a link keeps the number of the run
    that set it; what it said before is kept with the reason. Raises LedgerBroken, for the caller to undo all, unless every settlement and
    every capture has one code now.
    """
    changed = 0
    for table, counted in ((settlement_links, "settlements"), (capture_links, "captures")):
        gone, fresh = _difference(table, links, analysis.dialect)
        for rows in _chunks(analysis.rows(gone)):
            store.remember(db, [_said(table, row, run_id, now) for row in rows])
            store.remove(db, table, [tuple(row[name] for name in store.KEYS[table]) for row in rows])
            changed += len(rows)
        for rows in _chunks(analysis.rows(fresh)):
            store.remember(db, [_said(table, row, run_id, now) for row in rows if row["code_before"] is not None])
            store.put(db, table, [{name: value for name, value in row.items() if not name.endswith("_before")} for row in rows], run_id)
            changed += len(rows)
        _require_sum(db, analysis, table, counted, sites)
    return changed


@lru_cache(maxsize=16)
def _difference(table: Table, links: Links, dialect: str) -> tuple[str, str]:
    """SQL for the links that are not here any more, and for those that are new or different, each with what was said before."""
    linked = links.captures.rename(setl_id="linked_setl_id") if table is capture_links else links.settlements
    stored = ibis.table(_LINKS[table], name=stored_name(table.name))
    keys, other = list(store.KEYS[table]), _OTHER[table]
    gone = stored.anti_join(linked, keys).rename(code_before="code", other_before=other)
    before = stored.select(*keys, code_before="code", other_before=other)
    both = linked.select(*stored.columns).left_join(before, keys)
    both = both.drop(*[f"{key}_right" for key in keys])
    same = (both.code == both.code_before) & both[other].identical_to(both.other_before)
    fresh = both.filter(both.code_before.isnull() | ~same)
    return sql_of(gone, dialect), sql_of(fresh, dialect)


def _said(table: Table, row: Mapping[str, Any], run_id: int, now: datetime) -> dict[str, Any]:
    """The row of the history: what was said before, and what is now (nothing: it is gone)."""
    code, other = row.get("code"), row.get(_OTHER[table])
    before = {"code_before": row["code_before"], "other_before": row["other_before"]}
    named = {"side": _SIDE[table], "fixmedins_code": row["fixmedins_code"], "name": row[_NAME[table]], "run_id": run_id, "at": now}
    return before | named | {"code": code, "other": other, "why": why(row["code_before"], row["other_before"], code, other).value}


def _require_sum(db: Connection, analysis: Analysis, table: Table, counted: str, sites: Sequence[str] | None) -> None:
    """As many codes as there were settlements (or captures) to be compared."""
    there = sum(batch.column(0)[0].as_py() for batch in analysis.rows(f'SELECT COUNT(*) AS n FROM "{counted}"'))  # noqa: S608 - our own name
    kept = store.size(db, table, sites)
    if kept != there:
        raise LedgerBroken(f"{there} {counted} were compared, but {kept} would have a code; nothing was kept, the last ledger stands")


_OTHER = {settlement_links: "capture_id", capture_links: "setl_id"}
_NAME = {settlement_links: "setl_id", capture_links: "capture_id"}
_SIDE = {settlement_links: "settlement", capture_links: "capture"}
_LINKS = {table: {column.name: "string" for column in table.c if column.name != "run_id"} for table in (settlement_links, capture_links)}


def ledger(db: Connection) -> LedgerCounts:
    """How many settlements and captures have each code; every code is named."""
    row = store.newest_run(db)
    settlements, captures = dict(store.counts(db, settlement_links)), dict(store.counts(db, capture_links))
    return LedgerCounts(
        settlements={code: settlements.get(code, 0) for code in SettlementCode},
        captures={code: captures.get(code, 0) for code in CaptureCode},
        run=None if row is None else Run(**(dict(row) | {"kind": RunKind(row["kind"])})),
    )


def code_of_settlement(db: Connection, fixmedins_code: str, setl_id: str) -> SettlementCode | None:
    """What became of one settlement; None before the first reconciliation that knew it."""
    code = store.code_of(db, settlement_links, (fixmedins_code, setl_id))
    return None if code is None else SettlementCode(code)


def code_of_capture(db: Connection, capture_id: str) -> CaptureCode | None:
    """What became of one capture; None before the first reconciliation that knew it."""
    code = store.code_of(db, capture_links, (capture_id,))
    return None if code is None else CaptureCode(code)


def entry(db: Connection, side: str, fixmedins_code: str, name: str) -> Entry:
    """What the ledger says of one settlement or capture of an institution. Raises NotFound for one that no run has seen."""
    table = _table(side)
    row = store.link_of(db, table, (fixmedins_code, name) if table is settlement_links else (name,))
    if row is None or row["fixmedins_code"] != fixmedins_code:
        raise NotFound(f"no reconciliation has seen {side} {name[:96]!r} of {fixmedins_code[:12]}")
    return _entry(table, row)


def entries(
    db: Connection, side: str, *, code: str | None = None, fixmedins_code: str | None = None, page: int = 1, size: int = 50
) -> EntryPage:
    """One page of the ledger, of one code and institution where given. Raises BadInput for an unknown code or an impossible page."""
    if page < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise BadInput(f"page {page} of size {size}: pages count from 1 and hold 1 to {_LARGEST_PAGE} rows")
    table, known = _table(side), CODES[side]
    if code is not None and code not in known:
        raise BadInput(f"code {code[:32]!r} is none of {', '.join(known)}")
    wanted = {name: value for name, value in (("code", code), ("fixmedins_code", fixmedins_code)) if value is not None}
    rows, total = store.page(db, table, wanted, offset=(page - 1) * size, size=size)
    return EntryPage(rows=tuple(_entry(table, row) for row in rows), total=total, page=page, size=size)


def history(db: Connection, side: str, fixmedins_code: str, name: str) -> tuple[Said, ...]:
    """What the ledger said of one settlement or capture before, oldest first, with the run that found otherwise."""
    return tuple(_said_before(db, row) for row in store.history(db, _SIDE[_table(side)], fixmedins_code, name))


def _said_before(db: Connection, row: RowMapping) -> Said:
    names = ("code_before", "other_before", "code", "other", "run_id", "at")
    run = store.run(db, row["run_id"])
    kind = None if run is None else RunKind(run["kind"])
    return Said(**{name: row[name] for name in names}, why=Why(row["why"]), run_kind=kind)


def _table(side: str) -> Table:
    for table, name in _SIDE.items():
        if name == side:
            return table
    raise BadInput(f"side {side[:20]!r} is neither settlement nor capture")


def _entry(table: Table, row: RowMapping) -> Entry:
    named = {name: row[name] for name in ("fixmedins_code", "code", "run_id")}
    return Entry(**named, side=_SIDE[table], name=row[_NAME[table]], other=row[_OTHER[table]])


def _chunks(batches: Iterator[pa.RecordBatch]) -> Iterator[list[dict[str, Any]]]:
    for batch in batches:
        for start in range(0, batch.num_rows, _CHUNK):
            yield batch.slice(start, _CHUNK).to_pylist()
