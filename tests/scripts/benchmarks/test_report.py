import json
from pathlib import Path

import pytest

from scripts.benchmarks.report import Figure, machine, save, seconds, table, timed


def figure(value: float, **more: float) -> Figure:
    return Figure(name="x", value=value, unit="ms", n=3, **more)  # type: ignore[arg-type]


def test_a_goal_holds_up_to_its_limit_and_not_beyond() -> None:
    assert figure(60, at_most=60).holds is True
    assert figure(60.1, at_most=60).holds is False
    assert figure(5, at_least=5).holds is True
    assert figure(4.9, at_least=5).holds is False
    assert figure(4, at_least=5, at_most=60).holds is False
    assert figure(1).holds is None
    assert figure(float("nan"), at_most=60).holds is False


def test_durations_become_their_95_per_cent_point_in_milliseconds() -> None:
    found = timed("x", [number / 1000 for number in range(1, 102)], at_most_ms=96)
    assert found.value == pytest.approx(96)
    assert found.spread == pytest.approx({"median": 51, "min": 1, "max": 101})
    assert (found.n, found.unit, found.holds) == (101, "ms p95", True)


def test_a_call_is_timed_and_made_once() -> None:
    calls: list[int] = []
    assert 0 <= seconds(lambda: calls.append(1)) < 1
    assert calls == [1]


def test_the_file_says_what_was_measured_on_what(tmp_path: Path) -> None:
    before = machine()
    save(tmp_path / "new" / "x.json", "x", before, [figure(61, at_most=60)])
    written = json.loads((tmp_path / "new" / "x.json").read_text(encoding="utf-8"))
    assert written["machine"] == before
    assert written["figures"][0]["value"] == 61
    assert written["figures"][0]["holds"] is False
    assert written["machine"]["packages"]["numpy"]


def test_the_table_shows_value_limit_verdict_peer_and_note() -> None:
    bad = Figure(name="slow", value=61, unit="ms", n=7, goal="P1", at_most=60, peer="other", ratio=0.5, note="with care")
    text = table(machine(), [bad, figure(1)])
    row = next(line for line in text.splitlines() if "slow" in line)
    assert row.split() == ["P1", "slow", "61", "ms", "<=", "60", "NO", "7", "0.50", "x", "other"]
    assert "slow: with care" in text
