"""Another database as a source: only read, once each row, from where the last pull came to, whatever stops it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from central import migrate
from central.claims import service as claims
from central.db import open_engine
from central.errors import Misconfigured
from central.feeds import importing
from central.imports import pulling
from central.imports import service as imports
from central.settings import ClaimSettings, PullSettings
from tests.central.claims.files import ROW, row
from tests.postgres import private_postgres

NOW = datetime(2026, 2, 5, tzinfo=UTC)
NAMES = (*ROW, "upd_time")


@pytest.fixture(params=["sqlite", "postgresql"])
def other(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The database of a hospital."""
    if request.param == "sqlite":
        yield create_engine(f"sqlite:///{tmp_path / 'his.sqlite3'}")
        return
    with private_postgres(tmp_path) as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def centre(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'central.sqlite3'}")
    migrate.upgrade(engine)
    return engine


def fill(other: Engine, *rows: dict[str, str]) -> None:
    with other.begin() as db:
        columns = ", ".join(f"{name} {'timestamp' if name in {'setl_time', 'upd_time'} else 'text'}" for name in NAMES)
        db.execute(text(f"CREATE TABLE IF NOT EXISTS settled ({columns})"))
        marks = ", ".join(f":{name}" for name in NAMES)
        for each in rows:
            db.execute(text(f"INSERT INTO settled VALUES ({marks})"), each)  # noqa: S608 - names of ours


def pull_of(other: Engine, folder: Path, **changes: str) -> pulling.Pull:
    said = {"name": "his", "dataset": "claims", "url": other.url.render_as_string(hide_password=False), "table": "settled"}
    settings = PullSettings(**said | {"watermark": "upd_time"} | changes)  # type: ignore[arg-type]
    kept = imports.kept("claims", ClaimSettings(), now=NOW)
    return pulling.Pull(settings=settings, kept=kept, folder=folder / "pulled", actor="tester", most_withdrawn=0.05, now=lambda: NOW)


def settled(number: int, upd_time: str, **changes: str) -> dict[str, str]:
    return row(setl_id=f"S-{number}", **changes) | {"upd_time": upd_time}


def test_each_pull_takes_what_is_new_or_changed(other: Engine, centre: Engine, tmp_path: Path) -> None:
    fill(other, settled(1, "2026-01-03 10:00:00"), settled(2, "2026-01-04 10:00:00"))
    pull = pull_of(other, tmp_path)
    assert [(report.new, report.same) for report in pulling.run(centre, pull)] == [(2, 0)]
    fill(other, settled(3, "2026-01-05 10:00:00"), settled(1, "2026-01-06 10:00:00", psn_no="CORRECTED"))
    (report,) = pulling.run(centre, pull)
    assert (report.new, report.changed, report.same) == (1, 1, 1), "the row at the noted place is read again"
    assert not list(pull.folder.iterdir())
    with centre.connect() as db:
        assert claims.get(db, ROW["fixmedins_code"], "S-1").psn_no == "CORRECTED"


def test_a_pull_that_was_stopped_goes_on(other: Engine, centre: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(other, *(settled(number, f"2026-01-03 10:00:{number:02d}") for number in range(20)))
    pull = pull_of(other, tmp_path)
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
