"""The measurement of the transparency log measures what it says."""

from pathlib import Path

import pytest

from scripts.benchmarks import log


def test_it_measures_every_part_and_a_proof_among_eighty_million_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "EVENTS", 600)
    monkeypatch.setattr(log, "PROOFS", 3)
    figures = {figure.name: figure for figure in log.measure(tmp_path, 1000)}
    assert 0 < figures["of that, for the log"].value < 100
    assert figures["leaves given places and signed over"].value > 0
    longest = figures["hashes in a proof among 80000000"]
    assert (longest.value, longest.holds) == (27, True)
    assert list(tmp_path.iterdir()) == []
