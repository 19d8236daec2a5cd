"""The stored ledger: complete, and rewritten only where something changed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, select

from central import migrate
from central.db import open_engine
from central.engines.duckdb import duckdb_in_memory
from central.errors import BadInput, NotFound
from central.inputs import SCHEMAS
from central.linkage import model
from central.linkage import service as linkage
from central.linkage.model import CaptureCode, LedgerBroken, LinkLimits, RunKind, SettlementCode, Why
from central.linkage.tables import capture_links, settlement_links
from tests.central.analysis import NOON, SITE, Row, capture, rows, settlement


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
        linkage.load_stored(db, analysis)
        linkage.record(db, analysis, linkage.link(analysis, LinkLimits()), run_id, now=NOON)
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
    with engine.connect() as db:
        assert linkage.history(db, "settlement", SITE, "S-1") == ()
        (said,) = linkage.history(db, "settlement", SITE, "S-2")
    assert (said.code_before, said.code, said.other, said.why) == ("awaited", "matched", "t1:1:2", Why.OTHER_SIDE_CAME)
    assert (said.run_id, said.run_kind) == (second, RunKind.FULL)
    assert right == {"t1:1:1": ("matched", "S-1", first), "t1:1:2": ("matched", "S-2", second)}


def test_a_settlement_that_is_gone_leaves_the_ledger(engine: Engine) -> None:
    record(engine, [settlement(1)], [capture(1)])
    record(engine, [], [capture(1)])
    left, right = stored(engine)
    assert left == {}
    assert right["t1:1:1"][:2] == ("awaited", None)
    with engine.connect() as db:
        (said,) = linkage.history(db, "settlement", SITE, "S-1")
        assert (said.code_before, said.other_before, said.code, said.why) == ("matched", "t1:1:1", None, Why.GONE)
        with pytest.raises(NotFound):
            linkage.entry(db, "settlement", SITE, "S-1")
        assert linkage.entry(db, "capture", SITE, "t1:1:1").code == "awaited"
        assert linkage.entries(db, "capture", code="awaited").total == 1
        assert linkage.entries(db, "capture", code="matched").rows == ()
        for wrong in ({"side": "moon"}, {"side": "capture", "code": "refund"}, {"side": "capture", "page": 0}):
            with pytest.raises(BadInput):
                linkage.entries(db, **wrong)  # type: ignore[arg-type]


def test_a_ledger_that_does_not_add_up_is_not_kept(engine: Engine) -> None:
    """A link that nobody compared: the run is undone as a whole."""
    record(engine, [settlement(1)], [capture(1)])
    before = stored(engine)
    with duckdb_in_memory() as analysis, engine.connect() as db:
        for name in SCHEMAS:
            analysis.load(name, rows(name, {"settlements": [settlement(2)], "captures": [capture(2)]}.get(name, [])))
        links = linkage.link(analysis, LinkLimits())
        for table in (settlement_links, capture_links):
            analysis.load(linkage.stored_name(table.name), pa.table({column.name: pa.array([], pa.string()) for column in table.c}))
        with pytest.raises(LedgerBroken, match="1 settlements were compared, but 2 would have a code"):
            linkage.record(db, analysis, links, 9, now=NOON)
    assert stored(engine) == before


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (("awaited", None), ("claim_without_capture", None), Why.TOLD),
        (("claim_without_capture", None), ("matched", "a"), Why.OTHER_SIDE_CAME),
        (("matched", "a"), ("claim_without_capture", None), Why.OTHER_SIDE_GONE),
        (("matched", "a"), ("matched", "b"), Why.OTHER_SIDE_CHANGED),
        (("matched", "a"), ("refunded", "a"), Why.TAKEN_BACK),
        (("blind", "a"), ("manual", "a"), Why.BY_HAND),
        (("matched", "a"), ("distrusted", "a"), Why.DOUBT),
        (("matched", "a"), ("wrong_person", "a"), Why.FACTS),
        (("matched", "a"), (None, None), Why.GONE),
    ],
)
def test_the_reason_of_a_change_is_read_from_both_rows(
    before: tuple[str, str | None], after: tuple[str | None, str | None], why: Why
) -> None:
    assert model.why(*before, *after) is why
