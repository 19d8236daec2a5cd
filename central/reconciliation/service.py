"""One reconciliation: link captures with claims, run the rules, keep links and findings. Read top to bottom.

The comparison itself runs beside the database, on an engine in memory that reads nothing but the tables handed to it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from sqlalchemy import Connection, Engine

from central.captures import service as captures
from central.cases import service as cases
from central.claims import service as claims
from central.db import reading, utc_now
from central.engines.base import Analysis
from central.engines.duckdb import duckdb_in_memory
from central.inputs import Inputs, shaped
from central.linkage import service as linkage
from central.linkage.pairing import Links
from central.people import service as people
from central.reconciliation.compare import compare
from central.reconciliation.model import RunReport
from central.rulebook import breaker, exhibits
from central.rulebook import service as rulebook
from central.rules.engine import RuleResults
from central.rules.registry import RuleBook


def reconcile(
    engine: Engine,
    *,
    rules_file: Path,
    now: datetime | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> RunReport:
    """Reconcile everything that is here. Repeating it changes nothing but adds a run.

    Links and findings are stored in one transaction; if anything fails before its end, the last good state stays. A rule that fails is
    recorded and stops no other. Raises Misconfigured for a rules file that cannot be used, before anything is read.
    """
    started, clock = now or utc_now(), monotonic()
    book = rulebook.current(engine, rules_file, started)
    with reading(engine).begin() as db:
        inputs = read_inputs(db)
    progress(f"comparing {inputs['settlements'].num_rows} settlements with {inputs['captures'].num_rows} captures")
    with duckdb_in_memory() as analysis:
        links, results = compare(analysis, inputs, book)
        progress(f"keeping {len(results.suspicions)} suspicions")
        with engine.begin() as db:
            return _keep(db, analysis, inputs, links, results, book, started=started, clock=clock)


def read_inputs(db: Connection) -> Inputs:
    """Everything that is here to be compared. Read in this order, so that what excuses a person is never older than what accuses him."""
    return {
        "settlements": shaped("settlements", claims.analysis_table(db)),
        "captures": shaped("captures", captures.analysis_table(db)),
        "proxies": shaped("proxies", people.proxies_table(db)),
    }


def _keep(
    db: Connection,
    analysis: Analysis,
    inputs: Inputs,
    links: Links,
    results: RuleResults,
    book: RuleBook,
    *,
    started: datetime,
    clock: float,
) -> RunReport:
    sizes = {name: inputs[name].num_rows for name in ("settlements", "captures")}
    run_id = linkage.begin_run(db, engine=analysis.dialect, started_at=started, **sizes)
    linkage.record(db, analysis, links, run_id)
    results = breaker.admit(db, book, results, settlements=sizes["settlements"], now=started)
    findings = cases.record(db, results, run_id=run_id, now=started)
    exhibits.keep(db, inputs, results, book, compare, run_id=run_id, now=started)
    seconds = monotonic() - clock
    linkage.finish_run(db, run_id, findings_new=findings.new, now=started + timedelta(seconds=seconds))
    return RunReport(run_id=run_id, ledger=linkage.ledger(db), findings=findings, faults=results.faults, seconds=seconds, **sizes)
