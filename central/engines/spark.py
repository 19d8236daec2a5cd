"""Spark in local mode on the Java of this machine: for the far end of sizes, or where a Spark is what there is."""

import logging
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import sqlglot
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType
from sqlglot import exp

from central.engines.base import Analysis, EngineDied, Rows
from central.engines.own_folder import own_folder
from central.errors import Misconfigured

_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.parquet.compression.codec": "lz4_raw",
    "spark.ui.showConsoleProgress": "false",
}
_FOR_LITTLE = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m",
}
"""Java compiles each query anew, which takes seconds; it pays from some hundred thousand rows on."""

ibis.pyspark  # noqa: B018 - naming it is what makes Ibis know how to write its SQL


class Spark(Analysis):
    """Tables as Parquet in a folder of its own, and views of them in a session of its own."""

    dialect = "pyspark"

    def __init__(self, session: SparkSession, folder: Path) -> None:
        """Use a session and an empty folder that nobody else uses."""
        self._session = session
        self._folder = folder
        self._numbered = 0

    def load(self, name: str, rows: Rows) -> None:
        """Hand over a table."""
        path = self._next()
        path.mkdir()
        batches = rows.to_batches() if isinstance(rows, pa.Table) else rows
        with pq.ParquetWriter(path / "part-0.parquet", rows.schema, compression="lz4") as file:
            for batch in batches:
                file.write_batch(batch)
        with self._watched():
            self._show(name, path, from_arrow_schema(rows.schema))

    def keep(self, name: str, sql: str) -> None:
        """Compute a table now under a name."""
        with self._watched(), self._computed(sql) as (path, schema):
            self._show(name, path.rename(self._next()), schema)

    def forget(self, name: str) -> None:
        """Let go of a table that was kept."""
        with self._watched():
            self._session.catalog.dropTempView(name)

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query in batches; they are computed as a whole first, into files."""
        with self._watched(), self._computed(sql) as (path, _):
            files = sorted(str(each) for each in path.glob("part-*.parquet"))
            yield from ds.dataset(files, format="parquet").to_batches()

    @contextmanager
    def _computed(self, sql: str) -> Iterator[tuple[Path, StructType]]:
        """The rows of a query as Parquet, gone afterwards unless moved away.

        Spark writes out what stands in WITH wherever it is named, and again inside the next one: a rule of twenty joins becomes one of
        thousands. So each part is computed first, once.
        """
        query = sqlglot.parse_one(sql, dialect="spark")
        written: list[Path] = []
        for part in list(query.find_all(exp.CTE)):
            path, schema = self._written(part.this.sql(dialect="spark"))
            written.append(path)
            self._show(part.alias, path, schema)
        for clause in list(query.find_all(exp.With)):
            clause.pop()
        path, schema = self._written(query.sql(dialect="spark"))
        yield path, schema
        for each in (path, *written):
            shutil.rmtree(each, ignore_errors=True)

    def _written(self, sql: str) -> tuple[Path, StructType]:
        path, computed = self._next(), self._session.sql(sql)
        computed.write.parquet(str(path))
        return path, computed.schema

    def _next(self) -> Path:
        self._numbered += 1
        return self._folder / str(self._numbered)

    def _show(self, name: str, path: Path, schema: StructType) -> None:
        self._session.read.schema(schema).parquet(str(path)).createOrReplaceTempView(name)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except (PySparkException, Py4JError, OSError) as error:
            if self._alive():
                raise
            raise EngineDied(f"engine spark went away: {type(error).__name__}: {error}") from error

    def _alive(self) -> bool:
        with suppress(Exception):
            return bool(self._session.sql("SELECT 1").collect())
        return False


@contextmanager
def spark(*, memory_mb: int, threads: int, folder: Path | None = None, little: bool = False) -> Iterator[Spark]:
    """A session of its own, on this machine alone, with its files in a folder of its own inside `folder`; gone afterwards.

    `little`: what comes is some hundred thousand rows at most; much more would be slow.

    One at a time in a process. Raises Misconfigured where Java is missing or does not start.
    """
    _require_java()
    for noisy in ("py4j", "pyspark"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    with _without_its_traces(), own_folder(folder) as own:
        session = _started(own, memory_mb, threads, _FOR_LITTLE if little else {})
        try:
            yield Spark(session, own)
        finally:
            with suppress(Exception):  # one that died cannot be stopped
                session.stop()


@contextmanager
def _without_its_traces() -> Iterator[None]:
    """Py4J writes the trace of a lost line to the root logger as well as raising it; what is raised is told by name."""

    def not_of_py4j(record: logging.LogRecord) -> bool:
        return Path(record.pathname).parent.name != "py4j"

    root = logging.getLogger()
    root.addFilter(not_of_py4j)
    try:
        yield
    finally:
        root.removeFilter(not_of_py4j)


def _started(own: Path, memory_mb: int, threads: int, more: Mapping[str, str]) -> SparkSession:
    builder = SparkSession.builder.master(f"local[{threads}]").appName("central")
    local = {"spark.local.dir": str(own), "spark.sql.warehouse.dir": str(own / "warehouse"), "spark.driver.memory": f"{memory_mb}m"}
    local["spark.sql.shuffle.partitions"] = str(2 * threads)
    for key, value in (_SETTINGS | local | dict(more)).items():
        builder = builder.config(key, value)
    log = own / "java.log"
    try:
        with _told_to(log):
            return builder.getOrCreate()
    except (PySparkException, Py4JError, OSError, RuntimeError) as error:
        told = log.read_text(errors="replace")[-500:].strip()
        raise Misconfigured(f"engine spark: no session can be started: {type(error).__name__}: {error}; Java says: {told}") from None


@contextmanager
def _told_to(log: Path) -> Iterator[None]:
    """Java inherits our output for all its life: what it writes there belongs in a file, not on the terminal or in a report."""
    sys.stdout.flush()
    sys.stderr.flush()
    ours = [(number, os.dup(number)) for number in (1, 2)]
    try:
        with log.open("wb") as file:
            for number, _ in ours:
                os.dup2(file.fileno(), number)
        yield
    finally:
        for number, kept in ours:
            os.dup2(kept, number)
            os.close(kept)


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").is_file()):
        raise Misconfigured("engine spark: no Java on PATH or in JAVA_HOME: apt-get install openjdk-17-jre-headless")
