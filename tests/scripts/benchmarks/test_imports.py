"""The benchmark's file: each broken row is refused where the benchmark says, each other row is read."""

from pathlib import Path

from central.claims import service as claims
from central.db import utc_now
from central.feeds import service as feeds
from central.settings import ClaimSettings
from scripts.benchmarks import imports


def test_every_row_that_is_called_broken_is_and_no_other(tmp_path: Path) -> None:
    broken = imports.write(tmp_path / "claims.csv", 2000)
    assert len(broken) == 20
    spec = claims.kept(ClaimSettings(), now=utc_now()).spec
    batches = list(feeds.batches(feeds.open_file(tmp_path / "claims.csv", spec), spec))
    named = {fault.line: fault.column for batch in batches for fault in batch.faults}
    assert {line for line, column in broken.items() if column == "setl_id"} == broken.keys() - named.keys(), "known only by comparing"
    assert all(broken[line] == column for line, column in named.items())
    assert sum(batch.rows.num_rows for batch in batches) == 2000 - len(named)
