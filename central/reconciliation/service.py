"""One reconciliation of all that is stored: link captures with claims, run the rules, keep links and findings. Read top to bottom.

The comparison itself runs beside the database, on an engine in memory that reads nothing but the tables handed to it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from sqlalchemy import Connection, Engine

from central.cases import service as cases
from central.changes import service as changes
from central.db import unmoved, utc_now
from central.engines.base import Analysis
from central.engines.duckdb import duckdb_in_memory
from central.errors import Conflict
from central.indicators import service as indicators
from central.inputs import Inputs
from central.linkage import service as linkage
from central.linkage.pairing import Links
from central.reconciliation.compare import compare, tables_in
from central.reconciliation.model import RunReport
from central.reconciliation.stored import read_inputs
from central.rulebook import breaker, exhibits
from central.rulebook import service as rulebook
from central.rules.engine import RuleResults
from central.rules.registry import RuleBook


class Overtaken(Conflict):
    """Another run stored its results while this one compared: nothing of this one was kept."""

    code = "overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a run read and found. `seen` is the newest run that had been stored then, `news` the numbers of the news that it covers."""

    inputs: Inputs
    book: RuleBook
    links: Links
    results: RuleResults
    seen: int
    news: tuple[int, ...]
    started: datetime
    clock: float


def reconcile(
    engine: Engine,
    *,
    rules_file: Path,
    now: datetime | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> RunReport:
    """Reconcile everything that is here. Repeating it changes nothing but adds a run.

    Links and findings are stored in one transaction; if anything fails before its end, the last good state stays. A rule that fails is
    recorded and stops no other. Raises Misconfigured for a rules file that cannot be used, before anything is read, LedgerBroken if not
    every settlement and capture would have one code, and Overtaken if another run was stored meanwhile.
    """
    with duckdb_in_memory() as analysis:
        return keep(engine, analysis, compare_all(engine, analysis, rules_file=rules_file, now=now, progress=progress))


def compare_all(engine: Engine, analysis: Analysis, *, rules_file: Path, now: datetime | None, progress: Callable[[str], None]) -> Compared:
    """Read everything that is here as it was at one moment, link it and run the rules; nothing is stored yet."""
    started, clock = now or utc_now(), monotonic()
    book = rulebook.current(engine, rules_file, started)
    with unmoved(engine).begin() as db:
        news, seen, inputs = changes.numbers(db), linkage.newest_run(db), read_inputs(db)
        linkage.load_stored(db, analysis)
    progress(f"comparing {inputs['settlements'].num_rows} settlements with {inputs['captures'].num_rows} captures")
    links, results = compare(analysis, inputs, book)
    progress(f"keeping {len(results.suspicions)} suspicions")
    return Compared(inputs=inputs, book=book, links=links, results=results, seen=seen, news=news, started=started, clock=clock)


def keep(engine: Engine, analysis: Analysis, compared: Compared) -> RunReport:
    """Store what a run over everything found, in one transaction; then what its findings can be replayed from, and the indicators."""
    with engine.begin() as db:
        require_newest(db, compared.seen)
        admitted = breaker.admit(
            db, compared.book, compared.results, settlements=compared.inputs["settlements"].num_rows, now=compared.started
        )
        report = _keep(db, analysis, compared, admitted)
    with engine.begin() as db:
        exhibits.keep(db, compared.inputs, admitted, compared.book, compare, run_id=report.run_id, now=compared.started)
    tables = tables_in(analysis, compared.book.linkage)
    indicators.record(engine, analysis, tables, compared.book.indicators, now=compared.started)
    return report


def require_newest(db: Connection, seen: int) -> None:
    """Raises Overtaken unless this is still the newest run. Nobody else can store one before the transaction ends."""
    newest = linkage.lock_runs(db)
    if newest != seen:
        raise Overtaken(f"run {newest} was stored while this one compared what was there after run {seen}; start it again")


def _keep(db: Connection, analysis: Analysis, compared: Compared, results: RuleResults) -> RunReport:
    started = compared.started
    sizes = {name: compared.inputs[name].num_rows for name in ("settlements", "captures")}
    run_id = linkage.begin_run(db, engine=analysis.dialect, started_at=started, **sizes)
    linkage.record(db, analysis, compared.links, run_id, now=started)
    findings = cases.record(db, results, run_id=run_id, now=started, group_limits=compared.book.groups)
    changes.done(db, compared.news)
    seconds = monotonic() - compared.clock
    linkage.finish_run(db, run_id, findings_new=findings.new, now=started + timedelta(seconds=seconds))
    return RunReport(run_id=run_id, ledger=linkage.ledger(db), findings=findings, faults=results.faults, seconds=seconds, **sizes)
