"""Spark in local mode on the Java of this machine: for the far end of sizes, or where a Spark is what there is."""

import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from central.engines.base import EngineDied, Rows
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
ibis.pyspark  # noqa: B018 - naming it is what makes Ibis know how to write its SQL


class Spark:
    """Tables as Parquet in a folder of its own, and views of them in a session of its own."""

    dialect = "pyspark"

    def __init__(self, session: SparkSession, folder: Path) -> None:
        """Use a session and an empty folder that nobody else uses."""
        self._session = session
        self._folder = folder
        self._written = 0

    def load(self, name: str, rows: Rows) -> None:
        """Hand over a table."""
        path = self._next()
        path.mkdir()
        batches = rows.to_batches() if isinstance(rows, pa.Table) else rows
        with pq.ParquetWriter(path / "part-0.parquet", rows.schema, compression="lz4") as file:
            for batch in batches:
                file.write_batch(batch)
        with self._watched():
            self._show(name, path)

    def keep(self, name: str, sql: str) -> None:
        """Compute a table now under a name."""
        path = self._next()
        with self._watched():
            self._session.sql(sql).write.parquet(str(path))
            self._show(name, path)

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a query in batches; they are computed as a whole first, into files."""
        path = self._next()
        with self._watched():
            self._session.sql(sql).write.parquet(str(path))
        try:
            files = sorted(str(each) for each in path.glob("part-*.parquet"))
            yield from ds.dataset(files, format="parquet").to_batches()
        finally:
            shutil.rmtree(path)

    def _next(self) -> Path:
        self._written += 1
        return self._folder / str(self._written)

    def _show(self, name: str, path: Path) -> None:
        self._session.read.parquet(str(path)).createOrReplaceTempView(name)

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
def spark(*, memory_mb: int, threads: int, folder: Path | None = None) -> Iterator[Spark]:
    """A session of its own, on this machine alone, with its files in a folder of its own inside `folder`; gone afterwards.

    One at a time in a process. Raises Misconfigured where Java is missing or does not start.
    """
    _require_java()
    for noisy in ("py4j", "pyspark"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    with TemporaryDirectory(prefix="central-", dir=folder) as own:
        session = _started(Path(own), memory_mb, threads)
        try:
            yield Spark(session, Path(own))
        finally:
            with suppress(Exception):  # one that died cannot be stopped
                session.stop()


def _started(own: Path, memory_mb: int, threads: int) -> SparkSession:
    builder = SparkSession.builder.master(f"local[{threads}]").appName("central")
    local = {"spark.local.dir": str(own), "spark.sql.warehouse.dir": str(own / "warehouse"), "spark.driver.memory": f"{memory_mb}m"}
    local["spark.sql.shuffle.partitions"] = str(2 * threads)
    for key, value in (_SETTINGS | local).items():
        builder = builder.config(key, value)
    log = own / "java.log"
    try:
        with _errors_to(log):
            return builder.getOrCreate()
    except (PySparkException, Py4JError, OSError, RuntimeError) as error:
        told = log.read_text(errors="replace")[-500:].strip()
        raise Misconfigured(f"engine spark: no session can be started: {type(error).__name__}: {error}; Java says: {told}") from None


@contextmanager
def _errors_to(log: Path) -> Iterator[None]:
    """Java inherits our error output for all its life: what it writes there belongs in a file, not on the user's terminal."""
    sys.stderr.flush()
    ours = os.dup(2)
    try:
        with log.open("wb") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(ours, 2)
        os.close(ours)


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").is_file()):
        raise Misconfigured("engine spark: no Java on PATH or in JAVA_HOME: apt-get install openjdk-17-jre-headless")
