"""Synthetic runs whose truth is known."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.evaluation.collect import CLIP, FTE
from models.evaluation.rates import BandLimits, Targets, rates
from models.evaluation.report import Subject, document
from models.evaluation.scores import Measured, Scores, attempts, level, numbered

VERSION = "embedder-000000000000"


def measured(mated: list[float], non_mated: list[float]) -> Measured:
    """Two clips of each of several persons; mated scores go round the persons, non-mated ones round their neighbours."""
    names = ["a", "b", "c", "d"]
    people = numbered(names)
    rows = [(names[at % 4], names[at % 4], score) for at, score in enumerate(mated)]
    rows += [(names[at % 4], names[(at + 1) % 4], score) for at, score in enumerate(non_mated)]
    return Measured(
        people=len(people),
        levels=(level(CLIP, people, rows, independent=True),),
        attempts=(attempts(FTE, people, [(name, False) for name in names], independent=True),),
        counts={"clips": 8},
    )


def report(
    mated: list[float], non_mated: list[float], folder: Path, limits: BandLimits | None = None, strengths: Scores | None = None
) -> Any:
    table = folder / "labels.csv"
    table.write_text("file,person,faces\n")
    seen, limits = measured(mated, non_mated), limits or BandLimits()
    subject = Subject(
        kind="clips",
        labels=table,
        made_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        version=VERSION,
        hashes={"embedder": "0" * 64},
        limits=limits,
        targets=Targets(),
        people=seen.people,
        counts=seen.counts,
    )
    return document(subject, rates(seen, limits, Targets()), seen.levels, strengths=strengths)


@pytest.fixture
def make_report(tmp_path: Path) -> Callable[..., Any]:
    """A report over these mated and non-mated clip scores, and the strengths of frames where they are given."""
    return lambda mated, non_mated, limits=None, strengths=None: report(list(mated), list(non_mated), tmp_path, limits, strengths)


@pytest.fixture
def make_measured() -> Callable[[list[float], list[float]], Measured]:
    return measured
