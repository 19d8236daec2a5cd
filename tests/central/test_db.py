"""The database layer on SQLite and, where it is installed, on a private PostgreSQL: times, money, keys, migrations."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from central import migrate
from central.captures.tables import rejections
from central.db import Money, UtcDateTime, insert_new, open_engine, upsert
from central.errors import Misconfigured
from tests.postgres import private_postgres


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("db")
    if request.param == "sqlite":
        yield open_engine(f"sqlite:///{folder / 'x.sqlite3'}")
        return
    with private_postgres(folder) as url:
        yield open_engine(url)


def test_migrations_give_exactly_the_declared_tables(engine: Engine) -> None:
    migrate.upgrade(engine)
    migrate.upgrade(engine)
    migrate.require_current(engine)
    assert migrate.differences(engine) == []


def test_rows_are_inserted_once_and_overwritten_by_key(engine: Engine) -> None:
    migrate.upgrade(engine)
    row = {"device_id": "d", "reason": "r", "day": "2026-01-01", "count": 1, "last_at": datetime(2026, 1, 1, tzinfo=UTC)}
    key = ["device_id", "reason", "day"]
    with engine.begin() as db:
        insert_new(db, rejections, [row], key)
        insert_new(db, rejections, [row | {"count": 2}], key)
        assert db.scalar(select(rejections.c.count)) == 1
        upsert(db, rejections, [row | {"count": 3}], key)
        assert db.scalar(select(rejections.c.count)) == 3
        assert db.scalar(select(rejections.c.last_at)) == row["last_at"]


def test_an_old_database_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="central migrate"):
        migrate.require_current(open_engine(f"sqlite:///{tmp_path / 'new.sqlite3'}"))


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - the zone is added
def test_moments_keep_every_microsecond(moment: datetime) -> None:
    column = UtcDateTime()
    assert column.process_result_value(column.process_bind_param(moment, None), None) == moment


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), None)  # noqa: DTZ001 - that is the point


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_money_keeps_every_fen(amount: Decimal) -> None:
    column = Money()
    assert column.process_result_value(column.process_bind_param(amount, None), None) == amount


def test_a_fraction_of_a_fen_is_refused() -> None:
    with pytest.raises(ValueError, match="fen"):
        Money().process_bind_param(Decimal("0.005"), None)


def test_two_writers_wait_for_each_other(tmp_path: Path) -> None:
    first, second = (open_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}") for _ in range(2))
    migrate.upgrade(first)
    row = {"device_id": "d", "reason": "r", "count": 1, "last_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(0)}
    with first.begin() as db:
        db.scalar(select(rejections.c.count))
        insert_new(db, rejections, [row | {"day": "1"}], ["device_id", "reason", "day"])
    with second.begin() as db:
        insert_new(db, rejections, [row | {"day": "2"}], ["device_id", "reason", "day"])
        assert len(db.execute(select(rejections)).all()) == 2
