"""All rules over a simulated month: seconds of each part, memory, what was found and what wrongly; and how all of it grows."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.report import Figure, seconds
from scripts.simulating.making import Order, write
from scripts.simulating.month import read_month

MONTH, SEED = "2026-06", 1
GOAL = {1_000_000: 10.0, 10_000_000: 90.0}
"""P4: seconds for all rules, by claims."""
MOST_MB = 4096
ENGINE_MB = 2200
"""What DuckDB may hold, so that with everything else of the process 4 GB are kept."""
_SLOWEST = 6
_SAME = """
    SELECT count(*) FROM (
        SELECT c.fixmedins_code, p.face_group, c.psn_no
        FROM read_parquet('{folder}/claims.parquet') c
        JOIN read_parquet('{folder}/captures.parquet') p ON p.fixmedins_code = c.fixmedins_code AND p.setl_id = c.setl_id
        WHERE p.face_group IS NOT NULL AND p.face_band <> 'doubtful'
        GROUP BY ALL
    )
"""
"""The faces that stood at several cards' settlements, straight from the files: the yardstick beside our own."""


def measure(out: Path, sizes: tuple[int, ...], progress: Callable[[str], None]) -> list[Figure]:
    """Each size in a process of its own, on DuckDB. Raises CannotMeasure if a run fails."""
    figures: list[Figure] = []
    for claims in sizes:
        folder = out / f"month-{claims}"
        if not (folder / "truth.csv").is_file():
            progress(f"simulating {claims} claims")
            write(Order(claims=claims, month=read_month(MONTH), seed=SEED), folder, "parquet")
        progress(f"reconciling {claims} claims")
        figures += _figures(claims, _reconciled(folder), _by_hand(folder))
    return figures


def _reconciled(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "central", "reconcile", "--data", str(folder), "--engine", "duckdb", "--report", "json"]
    done = subprocess.run([*command, "--memory-mb", str(ENGINE_MB)], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotMeasure(f"{folder}: {(done.stderr or done.stdout)[-500:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _by_hand(folder: Path) -> float:
    with duckdb.connect() as bare:
        return seconds(lambda: bare.execute(_SAME.format(folder=folder)).fetchall())


def _figures(claims: int, report: dict[str, Any], by_hand: float) -> Iterator[Figure]:
    took: dict[str, float] = report["seconds"]
    parts = {part: sum(value for name, value in took.items() if name.startswith(f"{part} ")) for part in ("load", "link", "rule")}
    size, goal = f"{claims / 1e6:g} million claims", GOAL.get(claims)
    yield Figure(
        name=f"{size}: all rules",
        value=parts["link"] + parts["rule"],
        unit="s",
        n=1,
        goal="P4",
        at_most=goal,
        spread={"linkage": parts["link"], "rules": parts["rule"]},
        note=f"{report['inputs']['captures']['compared']} captures; without reading the files and numbering what they name",
    )
    bare = "the same engine without us: both files joined and grouped once, as one part of one rule would do"
    yield Figure(name=f"{size}: one join by hand in DuckDB", value=by_hand, unit="s", n=1, note=bare)
    yield Figure(name=f"{size}: reading and checking the files", value=parts["load"], unit="s", n=1)
    yield Figure(name=f"{size}: numbering the identifiers", value=took["lay out"], unit="s", n=1)
    yield Figure(name=f"{size}: everything", value=took["total"], unit="s", n=1)
    yield Figure(name=f"{size}: memory at most", value=report["peak_mb"], unit="MB", n=1, goal="P4", at_most=MOST_MB)
    yield from _scored(size, report["score"])
    for name in sorted(took, key=lambda each: -took[each])[: _SLOWEST + 1]:
        if name != "total":
            yield Figure(name=f"{size}:   {name}", value=took[name], unit="s", n=1)


def _scored(size: str, score: dict[str, Any]) -> Iterator[Figure]:
    overall = score["overall"]
    share = overall["found"] / overall["planted"]
    least = min((each for each in score["rules"].items() if each[1]["precision"] is not None), key=lambda each: each[1]["precision"])
    yield Figure(name=f"{size}: planted cases found", value=share, unit="of all", n=overall["planted"], goal="P4", at_least=1.0)
    yield Figure(
        name=f"{size}: precision",
        value=overall["precision"],
        unit="of findings",
        n=overall["findings"],
        goal="P4",
        spread={f"least ({least[0]})": least[1]["precision"]},
    )
    yield Figure(name=f"{size}: look-alikes accused", value=overall["look_alikes_accused"], unit="cases", n=overall["look_alikes"])
