"""A real server: what it holds is gone afterwards, and its end in mid-run is named."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import adbc_driver_manager as adbc
import ibis
import pyarrow as pa
import pytest

from central.engines.base import Analysis, EngineDied, sql_of
from central.engines.duckdb import duckdb_in_memory
from central.engines.postgres import postgres
from central.engines.private_postgres import private_postgres
from central.errors import Misconfigured

ROWS = pa.table({"name": ["ä", "Z", "a", None], "n": pa.array([3, 1, None, 1 << 60]), "yes": [True, False, None, True]})
T = ibis.table(ibis.Schema.from_pyarrow(ROWS.schema), name="t")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with TemporaryDirectory() as name:  # the server's own user cannot reach a test's folder
        Path(name).chmod(0o755)
        with private_postgres(Path(name)) as url:
            yield url
        assert list(Path(name).iterdir()) == [], "nothing of the server stays"


def rows(analysis: Analysis, sql: str) -> list[dict[str, object]]:
    return [row for batch in analysis.rows(sql) for row in batch.to_pylist()]


def test_nothing_outlives_the_session(url: str) -> None:
    with postgres(url) as analysis:
        analysis.load("t", ROWS)
        analysis.load("t", ROWS.slice(0, 1))
        analysis.keep("u", 'SELECT "n" FROM t')
        assert rows(analysis, "SELECT * FROM u") == [{"n": 3}]
    with postgres(url) as another:
        assert rows(another, "SELECT count(*) AS n FROM pg_class WHERE relname IN ('t', 'u')") == [{"n": 0}]


def test_the_same_rows_and_types_as_duckdb(url: str) -> None:
    """Sums, truth values as numbers, neighbouring half joins, and text ordered by its bytes."""
    half = T.semi_join(T.filter(T.n > 0).view(), "name").anti_join(T.filter(T.n == 1).view(), "name").semi_join(T.view(), "n")
    expressions = [
        T.agg(total=T.n.sum(), yes=T.yes.cast("int64").max(), mean=T.n.mean(), least=T.name.min()),
        half.order_by("name"),
        T.filter(T.name.notnull()).order_by("name").select("name"),
    ]
    with postgres(url) as there, duckdb_in_memory() as here:
        there.load("t", ROWS)
        here.load("t", ROWS)
        for expression in expressions:
            assert rows(there, sql_of(expression, "postgres")) == rows(here, sql_of(expression, "duckdb"))
        assert rows(there, sql_of(expressions[0], "postgres"))[0]["total"] == (1 << 60) + 4


def test_a_refused_query_is_no_death(url: str) -> None:
    with postgres(url) as analysis:
        with pytest.raises(adbc.Error, match="nothing_here"):
            analysis.keep("x", "SELECT * FROM nothing_here")
        analysis.load("t", ROWS)


def test_a_session_that_ends_in_mid_run_is_named(url: str) -> None:
    with postgres(url) as analysis, postgres(url) as another:
        (own,) = rows(analysis, "SELECT pg_backend_pid() AS pid")
        list(another.rows(f"SELECT pg_terminate_backend({own['pid']})"))
        with pytest.raises(EngineDied, match="engine postgres went away"):
            analysis.keep("x", "SELECT 1 AS n")


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="PostgreSQL at") as failure, postgres(f"postgresql://me:secret@/db?host={tmp_path}"):
        pass
    assert "secret" not in str(failure.value)


def test_a_machine_without_the_package_is_told_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("central.engines.private_postgres._PACKAGE", tmp_path)
    with pytest.raises(Misconfigured, match="apt-get install postgresql, or name one"), private_postgres(tmp_path):
        pass
