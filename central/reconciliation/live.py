"""Reconciles news as it comes: all that is compared stays at hand in memory, and only what news touches is looked at again.

1. Read the news, and the rows that it names; they replace the rows at hand.
2. Link the institutions that are touched, anew and whole. What then differs from before, rows or codes, is the difference.
3. Every value that the difference names (institution, person, face, doctor, trace code) is looked at again by the rules that part by it
   and read a table in which something differs (`parts`, `reads`).
4. Store the links that differ and the findings about those values, and forget the news, in one transaction. A look that changes nothing
   leaves no run.

Whatever fails, nothing was stored and nothing is kept in memory: the next look begins with everything. The result is that of a run over
everything, because a rule's findings about one value hang on the rows with that value alone (`Rule.by`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from sqlalchemy import Engine

from central.cases import service as cases
from central.changes import service as changes
from central.db import reading, unmoved
from central.engines.duckdb import DuckDb
from central.inputs import Inputs
from central.linkage import service as linkage
from central.linkage.model import RunKind
from central.reconciliation.compare import compare, tables_in
from central.reconciliation.model import NewsReport, RunReport
from central.reconciliation.reads import finds_nothing, tables_read
from central.reconciliation.resident import EVERY, Resident
from central.reconciliation.service import compare_all, keep, require_newest
from central.reconciliation.stored import read_news
from central.rulebook import breaker, exhibits
from central.rulebook import service as rulebook
from central.rules.base import Tables
from central.rules.engine import RuleResults, run_rules
from central.rules.registry import RuleBook, Variant


class Live:
    """The comparison at hand. Used by one thread."""

    def __init__(
        self, engine: Engine, *, rules_file: Path, now: Callable[[], datetime], progress: Callable[[str], None] = lambda _: None
    ) -> None:
        """Reads nothing yet."""
        self._engine, self._rules_file, self._now, self._progress = engine, rules_file, now, progress
        self._at_hand: Resident | None = None
        self._book: RuleBook | None = None
        self._seen = 0

    def close(self) -> None:
        """Forget everything that is at hand."""
        if self._at_hand is not None:
            self._at_hand.close()
        self._at_hand = None

    def everything(self) -> RunReport:
        """Reconcile all that is here, and keep it at hand. Raises what `service.reconcile` raises."""
        self.close()
        analysis = DuckDb()
        try:
            compared = compare_all(self._engine, analysis, rules_file=self._rules_file, now=self._now(), progress=self._progress)
            report = keep(self._engine, analysis, compared)
        except BaseException:
            analysis.close()
            raise
        self._at_hand, self._book, self._seen = Resident(analysis), compared.book, report.run_id
        _read(compared.book.active, tables_in(analysis, compared.book.linkage))  # takes seconds, which no news should wait for
        return report

    def news(self) -> NewsReport | RunReport | None:
        """Reconcile what came or changed since the last look; None if nothing did. With everything if there is much of it, if the rules
        were changed, if somebody else stored a run, or after a failure. Raises what `everything` raises; the news then stays queued.
        """
        with reading(self._engine).begin() as db:
            if not changes.any_pending(db) and self._at_hand is not None:
                return None
        at_hand, book = self._at_hand, rulebook.current(self._engine, self._rules_file, self._now())
        if at_hand is None or book != self._book:
            return self.everything()
        try:
            report = self._look(at_hand, book)
        except BaseException:
            self.close()
            raise
        return report if report is not None else self.everything()

    def _look(self, at_hand: Resident, book: RuleBook) -> NewsReport | None:
        """Look at the news alone; None if that would not do."""
        started, clock = self._now(), monotonic()
        with unmoved(self._engine).begin() as db:
            pending = changes.pending(db)
            if pending.whole or linkage.newest_run(db) != self._seen:
                return None
            fresh = read_news(db, pending)
        at_hand.replace(fresh)
        sites = at_hand.touched(pending)
        links = at_hand.link(sites, book.linkage)
        sizes = at_hand.looked_at()
        results, about, slices = _run(at_hand, book)
        at_hand.show_links()
        with self._engine.begin() as db:
            require_newest(db, self._seen)
            with db.begin_nested() as noted:
                run_id = linkage.begin_run(db, engine=at_hand.analysis.dialect, started_at=started, kind=RunKind.NEWS, **sizes)
                changed = linkage.record(db, at_hand.analysis, links, run_id, now=started, sites=sites)
                admitted = breaker.admit(db, book, results, settlements=at_hand.size("settlements"), now=started)
                findings = cases.record(db, admitted, run_id=run_id, now=started, about=about, group_limits=book.groups)
                seconds = monotonic() - clock
                linkage.finish_run(db, run_id, findings_new=findings.new, now=started + timedelta(seconds=seconds))
                idle = not (changed or admitted.faults or findings.new or findings.updated or findings.withdrawn)
                if idle:  # most news of terminals is: their runs would fill the database and wake every browser
                    noted.rollback()
            changes.done(db, pending.numbers)
        self._seen = self._seen if idle else run_id
        self._exhibit(slices, admitted, book, self._seen, started)
        return NewsReport(
            run_id=self._seen, news=len(pending.numbers), codes=changed, findings=findings, faults=admitted.faults, seconds=seconds
        )

    def _exhibit(self, slices: Mapping[str, Inputs], said: RuleResults, book: RuleBook, run_id: int, now: datetime) -> None:
        """Keep what the findings can be replayed from."""
        for by, inputs in slices.items():
            own = {variant.rule.id for variant in book.active if variant.rule.by == by}
            of_group = replace(said, suspicions=tuple(each for each in said.suspicions if each.rule_id in own))
            with self._engine.begin() as db:
                exhibits.keep(db, inputs, of_group, book, compare, run_id=run_id, now=now)


def _run(at_hand: Resident, book: RuleBook) -> tuple[RuleResults, dict[str, frozenset[str]], dict[str, Inputs]]:
    """What the rules say of the values that the difference names; which values, by rule; and the rows that suspicions hang on, by `by`."""
    tables = tables_in(at_hand.analysis, book.linkage)
    said = RuleResults(suspicions=(), ran=frozenset(), faults=())
    about: dict[str, frozenset[str]] = {}
    slices: dict[str, Inputs] = {}
    for by in dict.fromkeys(variant.rule.by for variant in book.active):
        parted = tuple(variant for variant in book.active if variant.rule.by == by)
        touched = at_hand.values(by, _read(parted, tables))
        active = tuple(variant for variant in parted if any(touched.get(name) for name in tables_read(variant, tables)))
        values = EVERY if EVERY in touched.values() else frozenset().union(*touched.values())
        if not active:
            continue
        at_hand.show(by, values, _read(active, tables))
        found = _found(at_hand, book, active, tables)
        if values is not EVERY:
            about |= dict.fromkeys(found.ran, values)
            begins = tuple(f"{value}/" for value in values)
            found = replace(found, suspicions=tuple(each for each in found.suspicions if each.subject_key.startswith(begins)))
        if found.suspicions:
            slices[by] = at_hand.inputs(by, values)
        said = _both(said, found)
    return said, about, slices


def _found(at_hand: Resident, book: RuleBook, active: Sequence[Variant], tables: Tables) -> RuleResults:
    """What rules say of what is shown; one that would find nothing without some table of which nothing is shown need not be run."""
    empty = at_hand.empty(_read(active, tables))
    telling = {variant.rule.id for variant in active if not finds_nothing(variant, tables, empty)}
    chosen = tuple(variant for variant in active if variant.rule.id in telling)
    found = run_rules(replace(book, active=chosen, unusable=()), tables, at_hand.analysis)
    return replace(found, ran=found.ran | ({variant.rule.id for variant in active} - telling))


def _read(variants: Iterable[Variant], tables: Tables) -> frozenset[str]:
    return frozenset().union(*(tables_read(variant, tables) for variant in variants))


def _both(one: RuleResults, other: RuleResults) -> RuleResults:
    return RuleResults(
        suspicions=one.suspicions + other.suspicions,
        ran=one.ran | other.ran,
        faults=one.faults + other.faults,
        seconds={**one.seconds, **other.seconds},
    )
