"""One reconciliation: link captures with claims, run the rules, keep links and findings. Read top to bottom.

The comparison itself runs beside the database, on an engine in memory that reads nothing but the tables handed to it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import ibis
import pyarrow as pa
from sqlalchemy import Connection, Engine

from central.captures import service as captures
from central.cases import service as cases
from central.cases.model import FindingChanges
from central.claims import service as claims
from central.db import reading, utc_now
from central.linkage import pairing
from central.linkage import service as linkage
from central.linkage.model import LedgerCounts
from central.people import service as people
from central.rules.base import Tables
from central.rules.engine import RuleFault, RuleResults, run_rules
from central.rules.registry import RuleBook, read_rules

ENGINE = "duckdb"
_NO_NETWORK_NO_FILES = {"autoinstall_known_extensions": False, "autoload_known_extensions": False, "temp_directory": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a reconciliation saw and changed. Findings of a rule in `faults` were left as they are."""

    run_id: int
    settlements: int
    captures: int
    ledger: LedgerCounts
    findings: FindingChanges
    faults: tuple[RuleFault, ...]
    seconds: float

    def lines(self) -> Iterator[str]:
        """The report as lines for a terminal."""
        yield f"run {self.run_id}: {self.settlements} settlements, {self.captures} captures, {self.seconds:.1f} s"
        for side, codes in (("settlements", self.ledger.settlements), ("captures", self.ledger.captures)):
            yield f"{side}: {', '.join(f'{n} {code}' for code, n in codes.items() if n) or 'none'}"
        yield f"findings: {self.findings.new} new, {self.findings.updated} updated, {self.findings.withdrawn} withdrawn"
        for fault in self.faults:
            yield f"rule {fault.rule_id} could not be run, its findings stay as they are: {fault.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inputs:
    """What is compared, as Arrow tables. Read in this order, so that what excuses a person is never older than what accuses him."""

    settlements: pa.Table
    captures: pa.Table
    proxies: pa.Table


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
    book = read_rules(rules_file)
    started, clock = now or utc_now(), monotonic()
    with reading(engine).begin() as db:
        inputs = _Inputs(settlements=claims.analysis_table(db), captures=captures.analysis_table(db), proxies=people.proxies_table(db))
    progress(f"comparing {inputs.settlements.num_rows} settlements with {inputs.captures.num_rows} captures")
    with analysis_engine() as analysis:
        links, results = compare(analysis, inputs.settlements, inputs.captures, inputs.proxies, book)
        progress(f"keeping {len(results.suspicions)} suspicions")
        with engine.begin() as db:
            return _keep(db, analysis, inputs, links, results, started=started, clock=clock)


def compare(analysis: Any, settlements: pa.Table, seen: pa.Table, proxies: pa.Table, book: RuleBook) -> tuple[pairing.Links, RuleResults]:
    """Link and run the rules on an Ibis connection; its database is not touched otherwise than by tables of its own."""
    billed, watched = load(analysis, "settlements", settlements), load(analysis, "captures", seen)
    links = pairing.link(billed, watched, book.linkage, analysis.create_table)
    return links, run_rules(book, Tables(visits=links.visits, proxies=load(analysis, "proxies", proxies)))


@contextmanager
def analysis_engine() -> Iterator[Any]:
    """A DuckDB in memory that fetches no extension and writes no file."""
    analysis = ibis.duckdb.connect(":memory:", **_NO_NETWORK_NO_FILES)
    try:
        yield analysis
    finally:
        analysis.disconnect()


def load(analysis: Any, name: str, table: pa.Table) -> Any:
    """Hand a table to the analysis. Moments become whole microseconds, which mean the same on every engine."""
    columns = [column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in table.columns]
    return analysis.create_table(name, pa.table(columns, names=table.column_names))


def _keep(
    db: Connection, analysis: Any, inputs: _Inputs, links: pairing.Links, results: RuleResults, *, started: datetime, clock: float
) -> RunReport:
    sizes = {"settlements": inputs.settlements.num_rows, "captures": inputs.captures.num_rows}
    run_id = linkage.begin_run(db, engine=ENGINE, started_at=started, **sizes)
    linkage.record(db, analysis, links, run_id)
    findings = cases.record(db, results, run_id=run_id, now=started)
    seconds = monotonic() - clock
    linkage.finish_run(db, run_id, findings_new=findings.new, now=started + timedelta(seconds=seconds))
    return RunReport(run_id=run_id, ledger=linkage.ledger(db), findings=findings, faults=results.faults, seconds=seconds, **sizes)
