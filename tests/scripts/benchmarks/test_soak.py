from pathlib import Path

import pytest

from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.soak import WARM_UP, growth, measure_soak


def readings(frames: int, rise_per_10000: float, warm_up: float = 0.0) -> list[tuple[int, float]]:
    early = WARM_UP * frames
    return [(at, 100 + rise_per_10000 * at / 10_000 + (warm_up if at >= early else 0)) for at in range(0, frames + 1, 500)]


def test_a_leak_is_seen_as_its_slope() -> None:
    found = growth(readings(100_000, 1.5), 100_000)
    assert found.slope == pytest.approx(1.5)
    assert found.last > found.first + 9


def test_what_a_program_takes_at_first_is_no_growth() -> None:
    assert growth(readings(100_000, 0.0, warm_up=300), 100_000).slope == pytest.approx(0)


def test_a_run_too_short_to_tell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match="take at least"):
        measure_soak(tmp_path, 1000)
