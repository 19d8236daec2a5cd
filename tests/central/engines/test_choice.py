"""What is missing is named with the way out; what is written is gone afterwards."""

import sys
from pathlib import Path

import pytest

from central.engines.choice import EngineName, EngineOptions, open_engine
from central.errors import Misconfigured


def test_duckdb_holds_more_than_its_memory_and_leaves_nothing(tmp_path: Path) -> None:
    options, many = EngineOptions(memory_mb=300, threads=1, folder=tmp_path), 50_000_000
    with open_engine(EngineName.DUCKDB, options) as analysis:
        analysis.keep("many", "SELECT hash(range) AS n FROM range(50000000)")
        (batch,) = analysis.rows("SELECT current_setting('memory_limit') AS memory, current_setting('threads') AS threads")
        assert batch.to_pylist() == [{"memory": "286.1 MiB", "threads": 1}]
        assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) > 8 * many - 300_000_000
        (batch,) = analysis.rows("SELECT count(*) AS n FROM many")
        assert batch.to_pylist() == [{"n": many}]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("engine", "module", "way_out"), [("spark", "pyspark", "pyspark==4.3.0"), ("postgres", "adbc_driver_postgresql", "adbc")]
)
def test_an_engine_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, engine: str, module: str, way_out: str) -> None:
    monkeypatch.delitem(sys.modules, f"central.engines.{engine}", raising=False)
    for loaded in [module, *(name for name in sys.modules if name.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, loaded, None)
    with pytest.raises(Misconfigured, match=f"engine {engine}: .* is not installed: pip install {way_out}"):
        open_engine(EngineName(engine), EngineOptions()).__enter__()


def test_a_machine_without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Misconfigured, match="apt-get install openjdk-17-jre-headless"):
        open_engine(EngineName.SPARK, EngineOptions()).__enter__()
