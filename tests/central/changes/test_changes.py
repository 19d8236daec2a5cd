"""The queue of news: what was seen is forgotten, what came meanwhile is not."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from central import migrate
from central.changes import model, service
from central.changes.model import MANY, Change, ChangeKind
from central.db import open_engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'central.sqlite3'}")
    migrate.upgrade(engine)
    with engine.begin() as db:
        service.done(db, service.pending(db).numbers)
    return engine


def test_a_new_database_asks_for_everything(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'central.sqlite3'}")
    migrate.upgrade(engine)
    with engine.begin() as db:
        assert service.pending(db).whole


def test_news_is_handed_over_once_each_and_forgotten_when_it_is_done(engine: Engine) -> None:
    with engine.begin() as db:
        service.note(db, [*model.settlements([("P1", "S-1"), ("P1", "S-1")]), *model.persons(["PSN-1"])])
        service.note(db, model.sessions([("P1", "M1")]))
        news = service.pending(db)
    assert news.named(ChangeKind.SETTLEMENT) == [("P1", "S-1")]
    assert news.named(ChangeKind.SESSION) == [("P1", "M1")]
    assert news.named(ChangeKind.PERSON) == [(None, "PSN-1")]
    assert not news.whole
    with engine.begin() as db:
        service.done(db, news.numbers)
        assert not service.any_pending(db)


def test_what_nobody_saw_stays_whatever_its_number(engine: Engine) -> None:
    """A number may be given early and committed late."""
    with engine.begin() as db:
        service.note(db, model.persons([f"PSN-{number}" for number in range(5)]))
        numbers = service.pending(db).numbers
        service.done(db, [numbers[0], numbers[1], numbers[3]])
        assert service.pending(db).named(ChangeKind.PERSON) == [(None, "PSN-2"), (None, "PSN-4")]


def test_very_much_news_is_everything(engine: Engine) -> None:
    with engine.begin() as db:
        service.note(db, model.persons([str(number) for number in range(MANY + 1)]))
        assert service.pending(db).changes == {Change(kind=ChangeKind.EVERYTHING)}
        for start in range(0, MANY + 1, MANY):
            service.note(db, model.persons([str(number) for number in range(start, start + MANY)]))
        news = service.pending(db)
        assert news.whole
        service.done(db, news.numbers)
        assert not service.any_pending(db)


def test_news_is_lost_with_the_transaction_that_wrote_it(engine: Engine) -> None:
    with pytest.raises(RuntimeError), engine.begin() as db:
        service.note(db, model.persons(["PSN-1"]))
        raise RuntimeError
    with engine.begin() as db:
        assert not service.any_pending(db)
