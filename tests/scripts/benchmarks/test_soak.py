from pathlib import Path

import pytest

from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.soak import growth, measure_soak

AT = range(20_000, 100_001, 500)


def test_a_leak_is_seen_as_its_slope() -> None:
    found = growth([(at, 100 + 1.5 * at / 10_000) for at in AT])
    assert found.slope == pytest.approx(1.5)
    assert found.last > found.first + 9
    assert found.readings == len(AT)


def test_noise_about_a_level_is_no_growth() -> None:
    found = growth([(at, 100 + at // 500 % 2) for at in AT])
    assert abs(found.slope) < 0.01
    assert found.last == pytest.approx(found.first, abs=0.2)


def test_a_run_too_short_to_tell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match="take at least"):
        measure_soak(tmp_path, 1000)
