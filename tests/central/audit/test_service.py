"""The audit log: appended in the transaction of what it tells, and every change to it is found."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from central import migrate
from central.audit import service
from central.audit.model import GENESIS
from central.audit.tables import audit_log
from central.db import open_engine
from central.errors import BadInput
from tests.postgres import private_postgres

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'audit.sqlite3'}")
    migrate.upgrade(engine)
    return engine


def write(db: Connection, number: int) -> None:
    at, detail = NOW + timedelta(seconds=number), {"why": "复核", "n": number}
    service.record(db, now=at, actor="li", action="picture.view", object=f"m-{number}", detail=detail)


@pytest.fixture
def five(engine: Engine) -> Engine:
    with engine.begin() as db:
        for number in range(1, 6):
            write(db, number)
    return engine


def test_an_empty_log_is_intact(engine: Engine) -> None:
    with engine.begin() as db:
        report = service.verify_chain(db)
    assert (report.intact, report.entries, report.head) == (True, 0, GENESIS)


def test_entries_are_chained_and_listed_newest_first(five: Engine) -> None:
    with five.begin() as db:
        page = service.entries(db, page=1, size=3)
        report = service.verify_chain(db)
    assert [row.object for row in page.rows] == ["m-5", "m-4", "m-3"]
    assert page.total == 5
    assert page.rows[0].prev == page.rows[1].sha256
    assert page.rows[0].at == NOW + timedelta(seconds=5)
    assert (report.intact, report.entries, report.head) == (True, 5, page.rows[0].sha256)


def test_filters_by_actor_and_action(five: Engine) -> None:
    with five.begin() as db:
        service.record(db, now=NOW, actor="wang", action="session.begin", object="wang")
        assert [row.actor for row in service.entries(db, actor="wang").rows] == ["wang"]
        assert service.entries(db, action="picture.view").total == 5
        assert service.entries(db, actor="wang", action="picture.view").total == 0
        assert service.actions(db) == ("picture.view", "session.begin")


@pytest.mark.parametrize(
    "change",
    [
        {"at": NOW},
        {"actor": "wang"},
        {"action": "session.begin"},
        {"object": "m-4"},
        {"detail": {"why": "复核", "n": 4}},
        {"prev": "f" * 64},
        {"sha256": "f" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_changed_column_is_found(five: Engine, change: dict[str, object]) -> None:
    with five.begin() as db:
        db.execute(update(audit_log).where(audit_log.c.audit_id == 3).values(change))
    with five.begin() as db:
        report = service.verify_chain(db)
    assert not report.intact
    assert report.broken_at == 3


def test_a_removed_entry_is_found(five: Engine) -> None:
    with five.begin() as db:
        db.execute(delete(audit_log).where(audit_log.c.audit_id == 2))
        report = service.verify_chain(db)
    assert (report.intact, report.broken_at) == (False, 3)


def test_a_cut_tail_is_found_by_a_head_noted_earlier(five: Engine) -> None:
    with five.begin() as db:
        head = service.verify_chain(db).head
        db.execute(delete(audit_log).where(audit_log.c.audit_id >= 4))
        assert service.verify_chain(db).intact, "a chain alone cannot show it"
        report = service.verify_chain(db, known_head=head)
    assert (report.intact, report.known_head_present, report.broken_at) == (False, False, None)


def test_a_head_noted_earlier_is_still_there_after_more_entries(five: Engine) -> None:
    with five.begin() as db:
        head = service.verify_chain(db).head
        write(db, 6)
        report = service.verify_chain(db, known_head=head)
    assert (report.intact, report.known_head_present) == (True, True)


def test_a_fork_is_refused_by_the_database(five: Engine) -> None:
    with five.begin() as db:
        row = dict(db.execute(select(audit_log).where(audit_log.c.audit_id == 5)).mappings().one())
    row["audit_id"], row["sha256"] = 6, "e" * 64
    with pytest.raises(IntegrityError), five.begin() as db:
        db.execute(insert(audit_log).values(row))


def test_an_entry_goes_with_its_transaction(engine: Engine) -> None:
    with pytest.raises(RuntimeError), engine.begin() as db:
        write(db, 1)
        raise RuntimeError("the use case failed")
    with engine.begin() as db:
        assert service.entries(db).total == 0


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Databases that several writers use at the same time."""
    with private_postgres(tmp_path) if request.param == "postgresql" else nullcontext(f"sqlite:///{tmp_path / 'a.sqlite3'}") as url:
        engine = open_engine(url)
        migrate.upgrade(engine)
        yield engine
        engine.dispose()


def test_writers_at_the_same_time_keep_one_chain(shared: Engine) -> None:
    def work(start: int) -> None:
        for number in range(start, start + 10):
            with shared.begin() as db:
                write(db, number)

    writers = [Thread(target=work, args=(start,)) for start in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with shared.begin() as db:
        report = service.verify_chain(db)
    assert (report.intact, report.entries) == (True, 30)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"actor": ""}, "actor"),
        ({"actor": "x" * 65}, "actor"),
        ({"action": "x" * 65}, "action"),
        ({"object": "x" * 201}, "object"),
        ({"detail": {"n": float("nan")}}, "detail"),
        ({"detail": {"n": object()}}, "detail"),
        ({"detail": {"why": "\ud800"}}, "detail"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(engine: Engine, changed: dict[str, object], named: str) -> None:
    entry: dict[str, object] = {"actor": "li", "action": "a.b", "object": "o", "detail": {}} | changed
    with engine.begin() as db:
        with pytest.raises(BadInput, match=named):
            service.record(db, now=NOW, **entry)  # type: ignore[arg-type]
        assert service.entries(db).total == 0
