"""Another database as a source: only read, once each row, from where the last pull came to, whatever stops it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text

from central import migrate
from central.claims import service as claims
from central.db import open_engine
from central.errors import BadInput, Conflict, Misconfigured
from central.feeds import importing
from central.imports import pulling
from central.imports import service as imports
from central.settings import ClaimSettings, PullSettings
from tests.central.claims.files import ROW, row
from tests.postgres import private_postgres

NOW = datetime(2026, 2, 5, tzinfo=UTC)
NAMES = (*ROW, "upd_time")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One PostgreSQL for all of them."""
    with private_postgres(tmp_path_factory.mktemp("server")) as url:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def other(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The database of a hospital."""
    if request.param == "sqlite":
        yield create_engine(f"sqlite:///{tmp_path / 'his.sqlite3'}")
        return
    server: Engine = request.getfixturevalue("server")
    name = f"his_{uuid4().hex}"
    with server.connect() as db:
        db.execute(text(f"CREATE DATABASE {name}"))
    engine = create_engine(server.url.set(database=name))
    yield engine
    engine.dispose()


@pytest.fixture
def centre(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'central.sqlite3'}")
    migrate.upgrade(engine)
    return engine


def fill(other: Engine, *rows: dict[str, str | None]) -> None:
    with other.begin() as db:
        columns = ", ".join(f"{name} {'timestamp' if name in {'setl_time', 'upd_time'} else 'text'}" for name in NAMES)
        db.execute(text(f"CREATE TABLE IF NOT EXISTS settled ({columns})"))
        marks = ", ".join(f":{name}" for name in NAMES)
        for each in rows:
            db.execute(text(f"INSERT INTO settled VALUES ({marks})"), each)  # noqa: S608 - names of ours


def pull_of(other: Engine, folder: Path, **changes: Any) -> pulling.Pull:
    said = {"name": "his", "dataset": "claims", "url": other.url.render_as_string(hide_password=False), "table": "settled"}
    settings = PullSettings(**said | {"watermark": "upd_time"} | changes)
    kept = imports.kept("claims", ClaimSettings(), now=NOW)
    return pulling.Pull(settings=settings, kept=kept, folder=folder / "pulled", actor="tester", most_withdrawn=0.05, now=lambda: NOW)


def settled(number: int, upd_time: str | None, **changes: str) -> dict[str, str | None]:
    return {**row(setl_id=f"S-{number}", **changes), "upd_time": upd_time}


def test_each_pull_takes_what_is_new_or_changed(other: Engine, centre: Engine, tmp_path: Path) -> None:
    fill(other, settled(1, "2026-01-03 10:00:00"), settled(2, "2026-01-04 10:00:00"))
    pull = pull_of(other, tmp_path)
    assert [(report.new, report.same) for report in pulling.run(centre, pull)] == [(2, 0)]
    fill(other, settled(3, "2026-01-05 10:00:00"), settled(1, "2026-01-06 10:00:00", psn_no="CORRECTED"))
    (report,) = pulling.run(centre, pull)
    assert (report.new, report.changed, report.same) == (1, 1, 1), "the row at the noted place is read again"
    assert [file.name for file in pull.folder.iterdir()] == ["his.lock"]
    with centre.connect() as db:
        assert claims.get(db, ROW["fixmedins_code"], "S-1").psn_no == "CORRECTED"


def test_a_pull_that_was_stopped_goes_on(other: Engine, centre: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(other, *(settled(number, f"2026-01-03 10:00:{number:02d}") for number in range(20)))
    pull = pull_of(other, tmp_path, overlap_minutes=0)
    monkeypatch.setattr(importing, "_SLICE", 6)
    monkeypatch.setattr(importing, "_NEWS", 6)

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    stopped = pulling.Pull(**{name: getattr(pull, name) for name in pull.__slots__} | {"progress": stop})
    with pytest.raises(KeyboardInterrupt):
        pulling.run(centre, stopped)
    first, *rest = pulling.run(centre, pull)
    assert (first.rows, first.new, first.resumed_after is not None) == (20, 20, True)
    assert [report.same for report in rest] == [1]


def test_what_was_committed_late_or_bears_no_time_is_not_missed(other: Engine, centre: Engine, tmp_path: Path) -> None:
    fill(other, settled(1, "2026-01-03 10:00:00"))
    pull = pull_of(other, tmp_path)
    pulling.run(centre, pull)
    fill(other, settled(2, "2026-01-03 09:15:00"), settled(3, None), settled(4, "2026-01-03 08:59:59"))
    (report,) = pulling.run(centre, pull)
    assert (report.new, report.same) == (2, 1), "an hour behind, and no more"


def test_columns_that_changed_stop_a_pull_only_until_they_are_right_again(other: Engine, centre: Engine, tmp_path: Path) -> None:
    fill(other, settled(1, "2026-01-03 10:00:00"))
    for _ in range(2):
        with pytest.raises(BadInput, match="required columns are missing: acct_pay"):
            pulling.run(centre, pull_of(other, tmp_path, table="", query="SELECT setl_id, psn_no, upd_time FROM settled"))
    assert [report.new for report in pulling.run(centre, pull_of(other, tmp_path))] == [1]


def test_what_is_not_wanted_never_touches_the_disk_and_a_line_end_costs_no_row(
    other: Engine, centre: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(other, settled(1, "2026-01-03 10:00:00"))
    said = "'a\nb' AS dr_name, '欧阳' AS psn_name, '110101199003071234' AS certno, 'one\ntwo' AS memo"
    pull = pull_of(other, tmp_path, table="", query=f"SELECT settled.*, {said} FROM settled")  # noqa: S608 - words of ours

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped, pytest.raises(KeyboardInterrupt):
        stopped.setattr(pulling, "import_file", stop)
        pulling.run(centre, pull)
    spooled = pull.spool.read_text(encoding="utf-8")
    assert "S-1" in spooled
    assert all(word not in spooled for word in ("欧阳", "110101", "one"))
    report, _ = pulling.run(centre, pull)
    assert (report.new, set(report.personal_columns), set(report.unknown_columns)) == (1, {"psn_name", "certno"}, {"upd_time", "memo"})
    with centre.connect() as db:
        assert claims.get(db, ROW["fixmedins_code"], "S-1").dr_name == "a b"


def test_of_two_at_one_pull_one_stops(other: Engine, centre: Engine, tmp_path: Path) -> None:
    fill(other, settled(1, "2026-01-03 10:00:00"))
    pull = pull_of(other, tmp_path)
    pull.folder.mkdir()
    with pulling._alone(pull), pytest.raises(Conflict, match="pull his: another process is at it"):
        pulling.run(centre, pull)
    assert [report.new for report in pulling.run(centre, pull)] == [1]


def test_the_other_database_cannot_be_written(other: Engine, centre: Engine, tmp_path: Path) -> None:
    fill(other, settled(1, "2026-01-03 10:00:00"))
    pull = pull_of(other, tmp_path, table="", query="DELETE FROM settled RETURNING *", watermark="")
    with pytest.raises(Misconfigured, match="pull his: the other database does not answer as it should"):
        pulling.run(centre, pull)
    with other.connect() as db:
        assert db.execute(text("SELECT count(*) FROM settled")).scalar_one() == 1


def test_what_is_wrong_is_named_and_no_password_is(other: Engine, centre: Engine, tmp_path: Path) -> None:
    fill(other, settled(1, "2026-01-03 10:00:00"))
    with pytest.raises(Misconfigured, match="pull his"):
        pulling.run(centre, pull_of(other, tmp_path, table="absent"))
    with pytest.raises(Misconfigured, match="upd_time"):
        pulling.run(centre, pull_of(other, tmp_path, table="", query="SELECT setl_id FROM settled"))
    gone = "postgresql+psycopg://reader:sesame@127.0.0.1:1/none"
    with pytest.raises(Misconfigured) as refused:
        pulling.run(centre, pull_of(other, tmp_path, url=gone))
    assert "sesame" not in str(refused.value)
    with pytest.raises(ValueError, match="either a table or a query"):
        pull_of(other, tmp_path, query="SELECT 1")


def test_values_are_written_as_files_write_them() -> None:
    values = (None, True, Decimal("38.50"), Decimal("1E+2"), date(2026, 1, 2), datetime(2026, 1, 2, 1, 30, tzinfo=UTC), 7, "x")
    written = ["", "1", "38.50", "100", "2026-01-02", "2026-01-02 09:30:00", "7", "x"]
    assert [pulling.cell_text(value) for value in values] == written
