"""The life of rules on both databases: one private PostgreSQL for the room, emptied between tests by a schema of its own for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from central import migrate
from central.db import open_engine
from tests.postgres import private_postgres


@pytest.fixture(scope="package")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with private_postgres(tmp_path_factory.mktemp("rulebook")) as url:
        engine = open_engine(url)
        migrate.upgrade(engine)
        engine.dispose()
        yield url


@pytest.fixture
def sqlite(tmp_path: Path) -> Engine:
    """The quicker of the two, where only our own code decides."""
    engine = open_engine(f"sqlite:///{tmp_path / 'central.sqlite3'}")
    migrate.upgrade(engine)
    return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty database at the newest schema."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite")
        return
    engine = open_engine(request.getfixturevalue("postgres"))
    with engine.begin() as db:
        names = db.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")).all()
        db.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"))
    yield engine
    engine.dispose()
