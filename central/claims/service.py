"""Take in claim files, and hand out what the fund was billed."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Engine

from central.arrow import read_table
from central.audit import service as audit
from central.claims import store
from central.claims.columns import Column, Span, columns, read_row
from central.claims.intake import NumberedRow, decide
from central.claims.model import Fault, ImportReport, Settlement
from central.claims.sources.csv import Cells, ClaimFile, look_at
from central.db import utc_now
from central.errors import NotFound
from central.settings import ClaimSettings

_BATCH = 1000
"""Rows per transaction: other writers wait some hundredths of a second at most."""

_NEWS = 10 * _BATCH
_FIRST = 20


def import_csv(
    engine: Engine,
    *,
    path: Path,
    actor: str,
    now: datetime | None = None,
    progress: Callable[[str], None] = lambda _: None,
    settings: ClaimSettings | None = None,
) -> ImportReport:
    """Read a claim file into the settlements, row by row, in transactions of its own; `progress` is told of every tenth one.

    Repeatable: a row that is here already counts as same; other content under a known key counts as changed and the old version is
    kept; a second row under one key with other content is a fault. A stopped import is finished by starting it again.
    Raises BadInput, with nothing stored, if the file as a whole cannot be read.
    """
    rules, started, clock = settings or ClaimSettings(), now or utc_now(), monotonic()
    wanted = columns(rules.fixmedins_pattern)
    file = look_at(path, wanted)
    with engine.begin() as db:
        import_id = store.begin_import(db, source=file.name, sha256=file.sha256, now=started)
    span = Span(earliest=rules.earliest, latest=started + timedelta(hours=rules.future_hours))
    tally, first_faults = _take_in_all(engine, import_id, _rows(file, wanted, span), now=started, progress=progress)
    report = _report(import_id, file, tally, first_faults)
    _finish(engine, report, actor=actor, now=started + timedelta(seconds=monotonic() - clock))
    return report


def faults(db: Connection, import_id: int) -> Iterator[Fault]:
    """Every fault of an import, in the order of the file."""
    return store.faults(db, import_id)


def write_faults(db: Connection, import_id: int, path: Path) -> int:
    """Write the faults of an import as CSV (UTF-8 with BOM, as spreadsheets expect); how many. A value that a spreadsheet would
    calculate gets an apostrophe in front."""
    written = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "column", "value", "message"))
        for fault in store.faults(db, import_id):
            value = f"'{fault.value}" if fault.value.startswith(("=", "+", "-", "@")) else fault.value
            writer.writerow((fault.line, fault.column, value, fault.message))
            written += 1
    return written


def get(db: Connection, fixmedins_code: str, setl_id: str) -> Settlement:
    """One settlement as it is known now. Raises NotFound."""
    found = store.one(db, (fixmedins_code, setl_id))
    if found is None:
        raise NotFound(f"settlement {setl_id} of {fixmedins_code} is not in the claims")
    return found


def provenance(db: Connection, fixmedins_code: str, setl_id: str) -> dict[str, Any]:
    """Where a settlement comes from: its hash, the newest import that stated it, and what was said of it before. Raises NotFound."""
    found = store.imported_by(db, (fixmedins_code, setl_id))
    if found is None:
        raise NotFound(f"settlement {setl_id} of {fixmedins_code} is not in the claims")
    before = [
        {name: row[name] for name in ("row_sha256", "row", "import_id", "replaced_at")}
        for row in store.versions(db, (fixmedins_code, setl_id))
    ]
    stated = {name: found[name] for name in ("import_id", "source", "sha256", "started_at", "finished_at")}
    return {"row_sha256": found["row_sha256"], "import": stated, "before": before}


def analysis_table(db: Connection) -> pa.Table:
    """Every settlement for linkage and rules: keys, psn_no, setl_time, amounts in fen, refund columns, med_type."""
    return read_table(db, store.for_analysis())


def _rows(file: ClaimFile, wanted: tuple[Column, ...], span: Span) -> Iterator[NumberedRow]:
    """(line, what it says) of every row."""
    for row in file.rows():
        yield row.line, read_row(row.line, row.cells, wanted, span) if isinstance(row, Cells) else [row]


def _take_in_all(
    engine: Engine, import_id: int, rows: Iterator[NumberedRow], *, now: datetime, progress: Callable[[str], None]
) -> tuple[Counter[str], list[Fault]]:
    """Store all rows, batch by batch; what was counted, and the first faults."""
    tally: Counter[str] = Counter()
    first_faults: list[Fault] = []
    while batch := list(islice(rows, _BATCH)):
        with engine.begin() as db:
            refused = _take_in(db, import_id, batch, tally, now=now)
        first_faults.extend(refused[: _FIRST - len(first_faults)])
        if tally["rows"] % _NEWS == 0:
            progress(f"{tally['rows']} rows")
    return tally, first_faults


def _take_in(db: Connection, import_id: int, batch: Sequence[NumberedRow], tally: Counter[str], *, now: datetime) -> list[Fault]:
    """Store one batch and count it; its faults."""
    held = store.held(db, [row.key for _, row in batch if not isinstance(row, list)])
    decision = decide(batch, held, import_id)
    store.keep_versions(db, decision.replaced, now=now)
    store.remove(db, decision.removed)
    store.put(db, list(decision.stated.values()), import_id)
    store.confirm(db, decision.confirmed, import_id)
    store.add_faults(db, import_id, decision.faults)
    tally.update(decision.tally)
    tally["faults"] += len(decision.faults)
    return decision.faults


def _finish(engine: Engine, report: ImportReport, *, actor: str, now: datetime) -> None:
    counts = {name: getattr(report, name) for name in ("rows", "new", "changed", "same", "bad", "invalid")}
    with engine.begin() as db:
        store.finish_import(db, report.import_id, counts, now=now)
        detail = {"import_id": report.import_id, **counts}
        audit.record(db, now=now, actor=actor, action="claims.import", object=report.source, detail=detail)


def _report(import_id: int, file: ClaimFile, tally: Counter[str], first_faults: Sequence[Fault]) -> ImportReport:
    return ImportReport(
        import_id=import_id,
        source=file.name,
        encoding=file.encoding,
        rows=tally["rows"],
        new=tally["new"],
        changed=tally["changed"],
        same=tally["same"],
        bad=tally["bad"],
        invalid=tally["invalid"],
        sums_differ=tally["sums_differ"],
        faults=tally["faults"],
        first_faults=tuple(first_faults),
        unknown_columns=file.header.unknown,
        personal_columns=file.header.personal,
    )
