"""The stored ledger: complete, and rewritten only where something changed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from central import migrate
from central.db import open_engine
from central.engines.duckdb import duckdb_in_memory
from central.inputs import SCHEMAS
from central.linkage import service as linkage
from central.linkage.model import CaptureCode, LinkLimits, SettlementCode
from central.linkage.tables import capture_links, settlement_links
from tests.central.analysis import NOON, Row, capture, rows, settlement


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'central.sqlite3'}")
    migrate.upgrade(engine)
    return engine


def record(engine: Engine, billed: list[Row], seen: list[Row]) -> int:
    with duckdb_in_memory() as analysis, engine.begin() as db:
        for name in SCHEMAS:
            analysis.load(name, rows(name, {"settlements": billed, "captures": seen}.get(name, [])))
        run_id = linkage.begin_run(db, engine="test", settlements=len(billed), captures=len(seen), started_at=NOON)
        linkage.record(db, analysis, linkage.link(analysis, LinkLimits()), run_id)
        linkage.finish_run(db, run_id, findings_new=0, now=NOON + timedelta(seconds=1))
    return run_id


def stored(engine: Engine) -> tuple[dict[str, tuple[Any, ...]], dict[str, tuple[Any, ...]]]:
    """(code, other side, run) by setl_id and by capture_id."""
    with engine.connect() as db:
        left = {row.setl_id: (row.code, row.capture_id, row.run_id) for row in db.execute(select(settlement_links))}
        right = {row.capture_id: (row.code, row.setl_id, row.run_id) for row in db.execute(select(capture_links))}
    return left, right


def test_every_code_is_counted_and_named(engine: Engine) -> None:
    record(engine, [settlement(1), settlement(2), settlement(5)], [capture(1), capture(3)])
    with engine.connect() as db:
        ledger = linkage.ledger(db)
    assert set(ledger.settlements) == set(SettlementCode)
    alone = (SettlementCode.CLAIM_WITHOUT_CAPTURE, SettlementCode.AWAITED)
    assert [ledger.settlements[code] for code in (SettlementCode.MATCHED, *alone)] == [1, 1, 1]
    assert ledger.captures[CaptureCode.MATCHED] == ledger.captures[CaptureCode.CAPTURE_WITHOUT_CLAIM] == 1
    assert ledger.run is not None
    assert (ledger.run.settlements, ledger.run.captures) == (3, 2)


def test_before_the_first_run_the_ledger_is_empty(engine: Engine) -> None:
    with engine.connect() as db:
        ledger = linkage.ledger(db)
    assert ledger.run is None
    assert not any([*ledger.settlements.values(), *ledger.captures.values()])


def test_only_what_changed_is_written_again(engine: Engine) -> None:
    first = record(engine, [settlement(1), settlement(2)], [capture(1)])
    second = record(engine, [settlement(1), settlement(2)], [capture(1), capture(2)])
    left, right = stored(engine)
    assert left == {"S-1": ("matched", "t1:1:1", first), "S-2": ("matched", "t1:1:2", second)}
    assert right == {"t1:1:1": ("matched", "S-1", first), "t1:1:2": ("matched", "S-2", second)}


def test_a_settlement_that_is_gone_leaves_the_ledger(engine: Engine) -> None:
    record(engine, [settlement(1)], [capture(1)])
    record(engine, [], [capture(1)])
    left, right = stored(engine)
    assert left == {}
    assert right["t1:1:1"][:2] == ("awaited", None)
