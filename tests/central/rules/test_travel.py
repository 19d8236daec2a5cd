"""Distances and what they take, against places that are known."""

import ibis
import pytest

from central.engines.base import sql_of
from central.engines.duckdb import duckdb_in_memory
from central.rules.base import MINUTE
from central.rules.travel import km, needed_us


def asked(expression: ibis.expr.types.Value) -> float:
    with duckdb_in_memory() as analysis:
        (batch,) = analysis.rows(sql_of(expression.name("value").as_table(), "duckdb"))
        return float(batch.to_pylist()[0]["value"])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((31.2304, 121.4737), (30.2741, 120.1551), 164.5),
        ((39.9042, 116.4074), (23.1291, 113.2644), 1888.0),
        ((30.0, 120.0), (30.0, 120.0), 0.0),
        ((0.0, 0.0), (0.0, 180.0), 20015.1),
    ],
    ids=["Shanghai to Hangzhou", "Beijing to Guangzhou", "here", "the other side"],
)
def test_distances(first: tuple[float, float], second: tuple[float, float], expected: float) -> None:
    places = [ibis.literal(degrees, "float64") for degrees in (*first, *second)]
    assert asked(km(*places)) == pytest.approx(expected, rel=0.005, abs=1e-6)


@pytest.mark.parametrize(("distance", "minutes"), [(0, 30), (40, 30), (80, 60), (800, 600)])
def test_the_way_takes_its_time_and_at_least_half_an_hour(distance: float, minutes: int) -> None:
    assert asked(needed_us(ibis.literal(float(distance)), 30, 80)) == minutes * MINUTE
