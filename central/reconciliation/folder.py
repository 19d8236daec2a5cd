"""A comparison of what lies in a folder: the same linkage and rules, on the engine asked for, without a database of the centre."""

import resource
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from central import scoring
from central.engines.base import Analysis, sql_of
from central.engines.choice import EngineName, EngineOptions, open_engine
from central.feeds import service as feeds
from central.feeds.folder import Folder
from central.inputs import SCHEMAS, empty
from central.linkage import service as linkage
from central.linkage.pairing import Links
from central.reconciliation.compare import tables_in
from central.reconciliation.report import FolderReport, Taken
from central.reconciliation.timing import Stopwatch, Timed
from central.rules.engine import run_rules, translate
from central.rules.registry import RuleBook
from central.settings import ClaimSettings

TRUTH = "truth.csv"
_EVERYTHING = EngineOptions()
_LITTLE = 50_000_000
"""Bytes of files, of which a million settlements as Parquet have 120 million."""
_OF_A_MEGABYTE = 250_000
"""Bytes of files for each megabyte of memory that are compared within it; Parquet grows tenfold, and half is for the work."""


def reconcile_folder(
    path: Path,
    *,
    book: RuleBook,
    engine: EngineName = EngineName.DUCKDB,
    options: EngineOptions = _EVERYTHING,
    settings: ClaimSettings | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FolderReport:
    """Link and run the rules over a folder; nothing is kept but what is told.

    With a truth.csv beside the data the findings are scored. Raises BadInput for a folder or a file that cannot be read as a whole,
    Misconfigured for an engine that is not there, EngineDied for one that went away. A rule that fails is in `faults`.
    """
    watch = Stopwatch()
    folder = feeds.read_folder(path, settings=settings, progress=progress)
    truth = scoring.read_truth((path / TRUTH).read_text("utf-8-sig"), TRUTH) if (path / TRUTH).is_file() else None
    size = sum(each.stat().st_size for each in path.iterdir())
    asked = replace(options, little=size <= _LITTLE, large=size > options.memory_mb * _OF_A_MEGABYTE, numbered=True)
    with open_engine(engine, asked) as opened:
        watch.seconds["start"] = watch.total
        analysis = Timed(opened, watch)
        with ThreadPoolExecutor(max_workers=1) as beside:
            translated = beside.submit(lambda: translate(book, tables_in(opened, book.linkage), opened.dialect))
            for name in SCHEMAS:
                progress(f"loading {name}")
                analysis.load(name, folder.stream(name) if name in folder.names else empty(name))
            with watch.times("translating, after loading"):
                translated.result()
        progress("laying the tables out")
        analysis.settle()
        progress("linking")
        links = linkage.link(analysis, book.linkage)
        results = run_rules(book, tables_in(analysis, book.linkage), analysis, progress)
        watch.seconds |= {f"rule {rule_id}": seconds for rule_id, seconds in results.seconds.items()}
        return FolderReport(
            folder=path,
            engine=engine.value,
            taken=_taken(folder, analysis),
            ledger=_ledger(links, analysis),
            findings=results.suspicions,
            ran=results.ran,
            faults=results.faults,
            score=None if truth is None else scoring.score(results.suspicions, truth),
            seconds=watch.seconds,
            total_s=watch.total,
            peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        )


def _taken(folder: Folder, analysis: Analysis) -> dict[str, Taken]:
    return {name: _accounted(folder, name, _number(analysis, name)) for name in folder.names}


def _accounted(folder: Folder, name: str, compared: int) -> Taken:
    count, first = folder.counts[name], ""
    for fault in count.faults[:1]:
        first = f"{folder.source(name).name} line {fault.line}: {fault.column} {fault.value!r}: {fault.message}"
    return Taken(
        rows=count.rows, compared=compared, refused=count.bad, repeated=count.repeated, withdrawn=count.withdrawn, first_fault=first
    )


def _ledger(links: Links, analysis: Analysis) -> dict[str, dict[str, int]]:
    sides = {"settlements": links.settlements, "captures": links.captures}
    counted = {side: sql_of(table.group_by("code").agg(n=table.count()), analysis.dialect) for side, table in sides.items()}
    return {side: {row["code"]: row["n"] for batch in analysis.rows(sql) for row in batch.to_pylist()} for side, sql in counted.items()}


def _number(analysis: Analysis, name: str) -> int:
    (row,) = (row for batch in analysis.rows(f"SELECT COUNT(*) AS n FROM {name}") for row in batch.to_pylist())  # noqa: S608 - ours
    return int(row["n"])
