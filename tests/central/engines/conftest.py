"""One small simulated month for every engine's test."""

from pathlib import Path

import pytest

from scripts.simulating.making import Order, write
from scripts.simulating.month import read_month


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the simulation writes it: every planted case and look-alike among few others."""
    folder = tmp_path_factory.mktemp("month")
    write(Order(claims=4000, month=read_month("2026-06"), seed=6), folder, "parquet")
    return folder
