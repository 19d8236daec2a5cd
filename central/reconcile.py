"""One reconciliation: link captures with claims, run the rules, keep links and findings. Read top to bottom.

The comparison itself runs beside the database, on an engine in memory that reads nothing but the tables handed to it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from time import monotonic

from sqlalchemy import Connection, Engine

from central.captures import service as captures
from central.cases import service as cases
from central.cases.model import FindingChanges
from central.claims import service as claims
from central.db import reading, utc_now
from central.engines.base import Analysis, named
from central.engines.duckdb import duckdb_in_memory
from central.inputs import SCHEMAS, Inputs, empty, shaped
from central.linkage import pairing
from central.linkage import service as linkage
from central.linkage.model import LedgerCounts, LinkLimits
from central.linkage.pairing import Links
from central.people import service as people
from central.rules.base import Tables
from central.rules.engine import RuleFault, RuleResults, run_rules
from central.rules.registry import RuleBook, read_rules


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
        inputs = read_inputs(db)
    progress(f"comparing {inputs['settlements'].num_rows} settlements with {inputs['captures'].num_rows} captures")
    with duckdb_in_memory() as analysis:
        links, results = compare(analysis, inputs, book)
        progress(f"keeping {len(results.suspicions)} suspicions")
        with engine.begin() as db:
            return _keep(db, analysis, inputs, links, results, started=started, clock=clock)


def read_inputs(db: Connection) -> Inputs:
    """Everything that is here to be compared. Read in this order, so that what excuses a person is never older than what accuses him."""
    return {
        "settlements": shaped("settlements", claims.analysis_table(db)),
        "captures": shaped("captures", captures.analysis_table(db)),
        "proxies": shaped("proxies", people.proxies_table(db)),
    }


def compare(analysis: Analysis, inputs: Inputs, book: RuleBook) -> tuple[Links, RuleResults]:
    """Link and run the rules; the analysis then also holds what linkage made."""
    for name in SCHEMAS:
        analysis.load(name, inputs.get(name, empty(name)))
    links = linkage.link(analysis, book.linkage)
    return links, run_rules(book, _tables(book.linkage, analysis.dialect), analysis)


@lru_cache(maxsize=16)
def _tables(limits: LinkLimits, dialect: str) -> Tables:
    """What rules look at, by name; the same object for the same limits, so that their SQL is made once."""
    links = pairing.plan(limits, dialect).links
    linked = {"settlements": links.settlements, "captures": links.captures, "visits": links.visits}
    return Tables(**({name: named(name) for name in SCHEMAS} | linked))


def _keep(
    db: Connection, analysis: Analysis, inputs: Inputs, links: Links, results: RuleResults, *, started: datetime, clock: float
) -> RunReport:
    sizes = {name: inputs[name].num_rows for name in ("settlements", "captures")}
    run_id = linkage.begin_run(db, engine=analysis.dialect, started_at=started, **sizes)
    linkage.record(db, analysis, links, run_id)
    findings = cases.record(db, results, run_id=run_id, now=started)
    seconds = monotonic() - clock
    linkage.finish_run(db, run_id, findings_new=findings.new, now=started + timedelta(seconds=seconds))
    return RunReport(run_id=run_id, ledger=linkage.ledger(db), findings=findings, faults=results.faults, seconds=seconds, **sizes)
