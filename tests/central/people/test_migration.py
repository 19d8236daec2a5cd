"""An older database comes along: nobody stays on a watch list without a written decision, and the terminals hear of it."""

from pathlib import Path

from alembic import command
from sqlalchemy import text

from central import migrate
from central.db import open_engine
from tests.postgres import private_postgres

ROWS = (
    "INSERT INTO sites (fixmedins_code, fixmedins_name, admdvs, evidence_mode, created_at)"
    " VALUES ('P99999900001', 'x', '999999', 'all', 1)",
    "INSERT INTO people (psn_no, legal_basis, enrolled_at) VALUES ('A', 'x', 1), ('B', 'x', 1)",
    "INSERT INTO expected_at (fixmedins_code, psn_no, role) VALUES ('P99999900001', 'A', 'watch'), ('P99999900001', 'B', 'staff')",
    "INSERT INTO proxies (psn_no, proxy_psn_no, valid_from, valid_to, reason) VALUES ('A', 'B', 1, 2, 'x')",
)


def come_along(url: str) -> None:
    engine = open_engine(url)
    with engine.begin() as db:
        command.upgrade(migrate.config(db), "0006")
        for row in ROWS:
            db.execute(text(row))
    migrate.upgrade(engine)
    with engine.begin() as db:
        assert db.execute(text("SELECT psn_no, role FROM expected_at")).all() == [("B", "staff")]
        assert db.execute(text("SELECT psn_no FROM gallery_changes")).all() == [("A",)]
        assert db.execute(text("SELECT ended_at FROM proxies")).all() == [(None,)]
    with engine.begin() as db:
        command.downgrade(migrate.config(db), "0006")
    migrate.upgrade(engine)
    assert migrate.differences(engine) == []
    engine.dispose()


def test_on_sqlite(tmp_path: Path) -> None:
    come_along(f"sqlite:///{tmp_path / 'central.sqlite3'}")


def test_on_postgresql(tmp_path: Path) -> None:
    with private_postgres(tmp_path) as url:
        come_along(url)
