"""News reconciled as it comes: whatever the order and the batches, the same ledger and findings as one run over everything."""

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DatabaseError

from central.changes import service as changes
from central.changes.model import Change, ChangeKind
from central.changes.tables import changes as queue
from central.db import open_engine
from central.engines.base import EngineDied, EngineFull
from central.engines.duckdb import DuckDb
from central.linkage import service as linkage
from central.linkage.model import Why
from central.linkage.tables import runs
from central.reconciliation.compare import tables_of
from central.reconciliation.live import Live
from central.reconciliation.model import NewsReport, RunReport
from central.reconciliation.parts import WAYS
from central.reconciliation.reads import tables_read
from central.reconciliation.service import compare_all, keep, reconcile
from central.reconciliation.turn import Turn
from central.rules.registry import read_rules
from tests.central.reconciliation.happenings import NOW, SITES, STEPS, Step, do, lenient, prepared, state
from tests.postgres import private_postgres

RULES = Path(__file__).parents[3] / "config" / "rules.toml"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty centre, made once and copied."""
    path = tmp_path_factory.mktemp("template") / "central.sqlite3"
    prepared(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture
def engine(template: Path, tmp_path: Path) -> Engine:
    return open_engine(f"sqlite:///{shutil.copy(template, tmp_path / 'central.sqlite3')}")


def live(engine: Engine, rules: Path = RULES, now: Callable[[], datetime] = lambda: NOW) -> Live:
    return Live(engine, rules_file=rules, now=now)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=40, max_size=80), st.lists(st.lists(STEPS, min_size=1, max_size=6), min_size=2, max_size=4))
def test_increments_in_any_order_are_one_run_over_everything(template: Path, before: list[Step], batches: list[list[Step]]) -> None:
    with TemporaryDirectory() as folder:
        engine, rules = open_engine(f"sqlite:///{shutil.copy(template, folder)}"), lenient(Path(folder))
        looking = live(engine, rules)
        kinds = []
        for batch in (before, *batches):
            do(engine, batch)
            kinds.append(type(looking.news()))
        assert kinds[0] is RunReport
        assert set(kinds[1:]) == {NewsReport}, "nothing but the first look is at everything"
        assert looking.news() is None
        by_increments = state(engine)
        looking.close()
        reconcile(engine, rules_file=rules, now=NOW)
        assert state(engine) == by_increments
        engine.dispose()


def test_of_every_table_that_a_rule_reads_it_is_known_how_it_hangs_on_its_values() -> None:
    """Else each look would be at everything."""
    book = read_rules(RULES)
    tables = tables_of(book.linkage, "duckdb")
    unknown = {variant.rule.id: tables_read(variant, tables) - set(WAYS[variant.rule.by]) for variant in book.active}
    # What is known of items comes as news of everything.
    assert {rule_id: names - {"items"} for rule_id, names in unknown.items() if names - {"items"}} == {}


A_DAY: list[list[Step]] = [
    [("bill", 1, 0, 0), ("watch", 1, 0, 1)],
    [("bill", 2, 0, 0), ("watch", 2, 0, 2), ("bill", 4, 1, 0)],
    [("watch", 3, 0, 1), ("appoint", 1, 0, 0), ("void", 2, 0, 1), ("watch", 4, 1, 0)],
]


def test_the_same_on_postgresql(tmp_path: Path) -> None:
    with private_postgres(tmp_path) as url:
        engine = prepared(url)
        by_increments = _a_day_looked_at(engine, live(engine))
        assert {row["code"] for row in by_increments["settlement_links"]} == {"matched", "voided"}
        _follow_in_turn(engine)
        engine.dispose()


def _a_day_looked_at(engine: Engine, looking: Live) -> dict[str, list[dict[str, Any]]]:
    """What news after news leaves, which is what a run over everything leaves."""
    for batch in A_DAY:
        do(engine, batch)
        looking.news()
    by_increments = state(engine)
    looking.close()
    reconcile(engine, rules_file=RULES, now=NOW)
    assert state(engine) == by_increments
    return by_increments


def _follow_in_turn(engine: Engine) -> None:
    """One follower has the turn, the other gets it when the first ends or its session is cut."""
    one, other = Turn(engine), Turn(engine)
    assert (one.mine(), other.mine(), one.mine()) == (True, False, True)
    one.close()
    assert (other.mine(), one.mine()) == (True, False)
    with engine.begin() as db:
        db.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"))
    assert one.mine() or one.mine()
    assert not other.mine()
    for turn in (one, other):
        turn.close()


def _disk_full(engine: Engine, _: Live) -> None:
    with engine.begin() as db:
        db.execute(text("CREATE TRIGGER full BEFORE INSERT ON settlement_links BEGIN SELECT RAISE(ABORT, 'disk full'); END"))


def _no_memory(_: Engine, looking: Live) -> None:
    """What is at hand fits, and hardly anything besides."""
    (batch,) = _at_hand(looking).rows("SELECT CAST(sum(memory_usage_bytes) AS BIGINT) AS held FROM duckdb_memory()")
    _at_hand(looking).do(f"SET memory_limit = '{batch.to_pylist()[0]['held'] + 1_000_000}B'")


def _dead(_: Engine, looking: Live) -> None:
    _at_hand(looking).close()


def _at_hand(looking: Live) -> DuckDb:
    assert looking._at_hand is not None
    return looking._at_hand.analysis


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (_disk_full, DatabaseError, "disk full"),
        (_no_memory, EngineFull, "Out of Memory"),
        (_dead, EngineDied, "onnection"),
    ],
)
def test_what_fails_leaves_the_last_good_state_and_the_news(
    engine: Engine, spoil: Callable[[Engine, Live], None], error: type[Exception], said: str
) -> None:
    """The ledger, the findings, the runs and the queue are as before; the next look begins with everything and gets it right."""
    looking = live(engine)
    do(engine, A_DAY[0])
    looking.news()
    before, run = state(engine), _newest(engine)
    do(engine, A_DAY[1])
    spoil(engine, looking)
    with pytest.raises(error, match=said):
        looking.news()
    assert (state(engine), _newest(engine)) == (before, run)
    with engine.begin() as db:
        assert changes.any_pending(db)
        db.execute(text("DROP TRIGGER IF EXISTS full"))
    assert isinstance(looking.news(), RunReport)
    assert looking.news() is None
    assert len(state(engine)["settlement_links"]) == 3
    looking.close()


def _newest(engine: Engine) -> int:
    with engine.connect() as db:
        return linkage.newest_run(db)


def test_a_run_by_somebody_else_is_seen(engine: Engine) -> None:
    """What is at hand was not what they compared: everything is read again."""
    looking = live(engine)
    do(engine, A_DAY[0])
    assert isinstance(looking.news(), RunReport)
    do(engine, A_DAY[1])
    reconcile(engine, rules_file=RULES, now=NOW)
    do(engine, A_DAY[2])
    assert isinstance(looking.news(), RunReport)
    with engine.connect() as db:
        said = linkage.history(db, "settlement", SITES[0], "S-2")
    assert [(each.code_before, each.code, each.why) for each in said] == [("matched", "voided", Why.TAKEN_BACK)]
    looking.close()


def test_news_that_comes_while_everything_is_compared_stays_queued(engine: Engine) -> None:
    do(engine, A_DAY[0])
    analysis = DuckDb()
    compared = compare_all(engine, analysis, rules_file=RULES, now=NOW, progress=lambda _: None)
    do(engine, A_DAY[1])
    keep(engine, analysis, compared)
    analysis.close()
    with engine.connect() as db:
        assert {each.name for each in changes.pending(db).changes} == {"S-2", "M2", "S-4"}


def test_looks_that_change_nothing_leave_no_run(engine: Engine) -> None:
    """News of what is as it was, of a claim that was withdrawn before anybody looked, and of what is not here any more."""
    looking = live(engine)
    do(engine, A_DAY[0])
    looking.news()
    run = _newest(engine)
    do(engine, [("watch", 1, 0, 1)])
    assert isinstance(looking.news(), NewsReport)
    do(engine, [("bill", 5, 0, 0)])
    do(engine, [("unbill", 5, 0, 0)])
    assert isinstance(looking.news(), NewsReport)
    nobody = [Change(kind=kind, place="H99999999999", name="gone") for kind in ChangeKind if kind is not ChangeKind.EVERYTHING]
    with engine.begin() as db:
        changes.note(db, nobody)
    report = looking.news()
    assert isinstance(report, NewsReport)
    assert (report.news, report.codes) == (len(nobody), 0)
    assert looking.news() is None
    with engine.connect() as db:
        assert db.scalar(select(func.max(runs.c.run_id))) == run
    looking.close()


def test_a_clock_that_goes_backward_changes_nothing(engine: Engine) -> None:
    clock = iter(NOW - timedelta(hours=number) for number in range(100))
    _a_day_looked_at(engine, live(engine, now=lambda: next(clock)))


def test_a_kind_of_news_that_another_version_wrote_is_of_everything(engine: Engine) -> None:
    looking = live(engine)
    looking.news()
    with engine.begin() as db:
        db.execute(queue.insert().values(kind="comet", place=None, name=None))
    assert isinstance(looking.news(), RunReport)
    assert looking.news() is None
    looking.close()
