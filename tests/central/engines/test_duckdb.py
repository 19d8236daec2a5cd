"""DuckDB where there is no room left: said by name, and it goes on."""

import pyarrow as pa
import pytest

from central.engines.base import EngineDied, EngineFull
from central.engines.duckdb import DuckDb, duckdb_in_memory


def test_more_than_memory_holds_without_a_folder_is_named_and_the_engine_lives() -> None:
    analysis = DuckDb(memory_mb=20, threads=1)
    try:
        with pytest.raises(EngineFull, match="--memory-mb"):
            analysis.keep("large", "SELECT range AS number, repeat('x', 40) || range AS text FROM range(3000000)")
        analysis.keep("small", "SELECT 1 AS number")
        assert [batch.to_pylist() for batch in analysis.rows("FROM small")] == [[{"number": 1}]]
    finally:
        analysis.close()


def test_one_that_was_closed_is_said_to_be_gone() -> None:
    with duckdb_in_memory() as analysis:
        pass
    with pytest.raises(EngineDied):
        analysis.load("rows", pa.table({"number": [1]}))
