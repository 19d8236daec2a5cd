"""Which engine, by its name: only the one that is asked for is looked for, and what is missing is named with the way out."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any

from central.engines.base import Analysis
from central.engines.duckdb import DuckDb, duckdb_with_room
from central.engines.numbered import Numbered
from central.engines.private_postgres import private_postgres
from central.errors import Misconfigured


class EngineName(StrEnum):
    """Engines that can compare a folder."""

    DUCKDB = "duckdb"
    POSTGRES = "postgres"
    SPARK = "spark"


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """How much of the machine an engine may take, where its files lie for the while, and for PostgreSQL which server.

    memory_mb: what DuckDB and Spark's Java may hold; beyond it DuckDB writes to `folder` (the system's for temporary files if None).
    server: a PostgreSQL to use; without one a private one is started from the system's package. little: some hundred thousand rows at
    most will come, for which Spark need not compile its queries. large: more will come than memory holds. numbered: all tables are loaded
    and settled before anything is asked, so that DuckDB may compare numbers in place of identifiers.
    """

    memory_mb: int = 2048
    threads: int = os.cpu_count() or 1
    folder: Path | None = None
    server: str | None = None
    little: bool = False
    large: bool = False
    numbered: bool = False


def open_engine(name: EngineName, options: EngineOptions) -> AbstractContextManager[Analysis]:
    """An engine, empty and gone afterwards. Raises Misconfigured, when it is entered, for what is missing."""
    if name is EngineName.DUCKDB:
        room = duckdb_with_room(memory_mb=options.memory_mb, threads=options.threads, folder=options.folder, large=options.large)
        return _numbered(room) if options.numbered else room
    if name is EngineName.SPARK:
        return _spark(options)
    return _postgres(options)


@contextmanager
def _numbered(room: AbstractContextManager[DuckDb]) -> Iterator[Analysis]:
    with room as analysis:
        yield Numbered(analysis)


@contextmanager
def _spark(options: EngineOptions) -> Iterator[Analysis]:
    engine = _module("spark", "pyspark==4.3.0")
    with engine.spark(memory_mb=options.memory_mb, threads=options.threads, folder=options.folder, little=options.little) as analysis:
        yield analysis


@contextmanager
def _postgres(options: EngineOptions) -> Iterator[Analysis]:
    engine = _module("postgres", "adbc-driver-postgresql")
    if options.server is not None:
        with engine.postgres(options.server) as analysis:
            yield analysis
        return
    with private_postgres(options.folder) as url, engine.postgres(url) as analysis:
        yield analysis


def _module(name: str, package: str) -> Any:
    """The module of an engine that needs more than every centre has."""
    try:
        return import_module(f"central.engines.{name}")
    except ImportError as error:
        raise Misconfigured(
            f"engine {name}: {error.name} is not installed: pip install {package}, or scripts/setup {name} for the exact versions"
        ) from None
