"""Imports end to end on a real database: counted, repeatable, resumable, and told in the audit log."""

from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from central import migrate
from central.audit import service as audit
from central.claims import service as claims
from central.claims.tables import settlement_versions, settlements
from central.db import open_engine
from central.errors import BadInput, NotFound
from central.feeds import keeping
from central.feeds.report import ImportReport
from central.feeds.tables import imports
from tests.central.claims.files import row, write
from tests.postgres import private_postgres

NOW = datetime(2026, 1, 5, tzinfo=UTC)
SITE = "P99999900001"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'central.sqlite3'}")
    migrate.upgrade(engine)
    return engine


def take(engine: Engine, folder: Path, *rows: dict[str, str]) -> ImportReport:
    return claims.import_file(engine, path=write(folder / "claims.csv", rows), actor="tester", now=NOW)


def counts(report: ImportReport) -> tuple[int, int, int, int, int]:
    return report.new, report.changed, report.same, report.bad, report.invalid


def test_good_rows_are_kept_and_bad_ones_named(engine: Engine, tmp_path: Path) -> None:
    report = take(engine, tmp_path, row(), row(setl_id="S-2", medfee_sumamt="much", psn_no=""), row(setl_id="S-3"))
    assert (report.rows, *counts(report)) == (3, 2, 0, 0, 1, 0)
    with engine.connect() as db:
        faults = list(claims.faults(db, report.import_id))
        assert [(fault.line, fault.column, fault.value) for fault in faults] == [(3, "psn_no", ""), (3, "medfee_sumamt", "much")]
        assert claims.get(db, SITE, "S-3").psn_no == "PSN-1"
        with pytest.raises(NotFound, match="S-2"):
            claims.get(db, SITE, "S-2")
    assert report.faults == 2
    assert report.first_faults == tuple(faults)


def test_the_same_file_again_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    rows = [row(setl_id=f"S-{number}") for number in range(2500)]
    assert counts(take(engine, tmp_path, *rows)) == (2500, 0, 0, 0, 0)
    assert counts(take(engine, tmp_path, *rows)) == (0, 0, 2500, 0, 0)
    with engine.connect() as db:
        assert db.scalar(select(func.count()).select_from(settlements)) == 2500
        assert db.scalar(select(func.count()).select_from(settlement_versions)) == 0


def test_other_content_under_a_known_key_keeps_the_old_version(engine: Engine, tmp_path: Path) -> None:
    take(engine, tmp_path, row())
    assert counts(take(engine, tmp_path, row(psn_no="PSN-2"))) == (0, 1, 0, 0, 0)
    with engine.connect() as db:
        assert claims.get(db, SITE, "S-1").psn_no == "PSN-2"
        (old,) = db.execute(select(settlement_versions.c.row, settlement_versions.c.import_id))
    assert (old.row["psn_no"], old.row["medfee_sumamt"], old.import_id) == ("PSN-1", "38.50", 1)


@pytest.mark.parametrize("between", [0, 1500])
@pytest.mark.parametrize("known", [False, True])
def test_a_second_row_with_other_content_in_one_file_is_a_fault(engine: Engine, tmp_path: Path, between: int, known: bool) -> None:
    """Also when the two lie in different batches, and when an earlier file had stated the first one already."""
    if known:
        take(engine, tmp_path, row())
    filling = [row(setl_id=f"F-{number}") for number in range(between)]
    report = take(engine, tmp_path, row(), *filling, row(), row(psn_no="PSN-2"))
    assert counts(report) == (between + (not known), 0, 1 + known, 1, 0)
    assert "twice in this file" in report.first_faults[0].message
    with engine.connect() as db:
        assert claims.get(db, SITE, "S-1").psn_no == "PSN-1"


def test_a_settlement_that_became_invalid_is_taken_back_and_its_version_kept(engine: Engine, tmp_path: Path) -> None:
    take(engine, tmp_path, row(vali_flag="1"), row(setl_id="S-2", vali_flag="1"))
    report = take(engine, tmp_path, row(vali_flag="0"), row(setl_id="S-9", vali_flag="0"))
    assert counts(report) == (0, 0, 0, 0, 2)
    with engine.connect() as db:
        assert claims.analysis_table(db)["setl_id"].to_pylist() == ["S-2"]
        assert db.scalar(select(settlement_versions.c.setl_id)) == "S-1"


def test_valid_and_invalid_rows_of_one_key_follow_the_order_of_the_file(engine: Engine, tmp_path: Path) -> None:
    report = take(engine, tmp_path, row(vali_flag="1"), row(vali_flag="0"), row(vali_flag="1", psn_no="PSN-2"))
    assert counts(report) == (2, 0, 0, 0, 1)
    with engine.connect() as db:
        assert claims.get(db, SITE, "S-1").psn_no == "PSN-2"


def test_names_and_identity_numbers_are_nowhere_in_the_database(engine: Engine, tmp_path: Path) -> None:
    name, number = "欧阳测试", "110101199003071234"
    report = take(
        engine, tmp_path, row(psn_name=name, certno=number), row(setl_id="S-2", psn_no=number + " ", psn_name=name, certno=number)
    )
    assert set(report.personal_columns) == {"psn_name", "certno"}
    bad = take(engine, tmp_path, row(setl_time=f"{name} {number}", psn_name=name, certno=number))
    assert bad.bad == 1
    with engine.connect() as db:
        text = "\n".join(db.connection.driver_connection.iterdump())
    assert name not in text.replace(bad.first_faults[0].value, "")
    assert text.count(number) == 1, "only where the file itself gave it as psn_no"


def test_a_stopped_import_is_finished_by_starting_again(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "claims.csv", [row(setl_id=f"S-{number}") for number in range(10_500)])

    def stop(news: str) -> None:
        raise KeyboardInterrupt(news)

    with pytest.raises(KeyboardInterrupt, match="10000 rows"):
        claims.import_file(engine, path=path, actor="tester", now=NOW, progress=stop)
    report = claims.import_file(engine, path=path, actor="tester", now=NOW)
    assert counts(report) == (10_500, 0, 0, 0, 0), "what the first attempt had stored is counted once, as it was then"
    assert report.resumed_after == 10_002
    with engine.connect() as db:
        (only,) = db.execute(select(imports)).mappings()
    assert only["finished_at"] is not None
    assert (only["rows"], only["new"]) == (10_500, 10_500)


def test_a_file_that_cannot_be_read_stores_nothing(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_bytes(b"setl_id\nS-1\n")
    with pytest.raises(BadInput, match="required columns are missing"):
        claims.import_file(engine, path=path, actor="tester", now=NOW)
    with engine.connect() as db:
        assert db.scalar(select(func.count()).select_from(imports)) == 0


def test_the_report_says_what_was_ignored_and_what_does_not_add_up(engine: Engine, tmp_path: Path) -> None:
    report = take(engine, tmp_path, row(remark="x", psn_cash_pay="1.00"))
    assert report.remarked == 1
    told = "\n".join(report.lines())
    assert "1 new" in told
    assert "remark" in told
    assert "do not make the total" in told


def test_a_log_is_told_what_is_wrong_and_not_what_refused_cells_hold(engine: Engine, tmp_path: Path) -> None:
    report = take(engine, tmp_path, row(psn_no="欧阳 测试"))
    assert "psn_no: '欧阳 测试': is not an id" in "\n".join(report.lines())
    told = "\n".join(report.lines(cells=False))
    assert "line 2, psn_no: is not an id" in told
    assert "欧阳" not in told


def test_an_import_is_audited(engine: Engine, tmp_path: Path) -> None:
    report = take(engine, tmp_path, row())
    with engine.connect() as db:
        (entry,) = audit.entries(db).rows
    assert (entry.actor, entry.action, entry.detail["import_id"], entry.detail["new"]) == ("tester", "claims.import", report.import_id, 1)


def test_the_analysis_table_counts_in_fen_and_utc(engine: Engine, tmp_path: Path) -> None:
    take(engine, tmp_path, row())
    with engine.connect() as db:
        (only,) = claims.analysis_table(db).to_pylist()
    assert (only["medfee_sumamt"], only["fund_pay_sumamt"], only["acct_pay"]) == (3850, 850, 3000)
    assert only["setl_time"] == datetime(2026, 1, 2, 1, 30, 21, tzinfo=UTC)


def test_postgresql_takes_in_the_same_and_of_two_at_once_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with private_postgres(tmp_path) as url:
        engine = open_engine(url)
        migrate.upgrade(engine)
        assert counts(take(engine, tmp_path, row(), row(setl_id="S-2"), row(setl_id="S-2", psn_no="PSN-9"))) == (2, 0, 0, 1, 0)
        assert counts(take(engine, tmp_path, row(psn_no="PSN-2"), row(setl_id="S-2"))) == (0, 1, 1, 0, 0)
        with engine.connect() as db:
            assert sorted(claims.analysis_table(db)["psn_no"].to_pylist()) == ["PSN-1", "PSN-2"]
        require_both_are_kept(engine, tmp_path, monkeypatch)
        engine.dispose()


def require_both_are_kept(engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two imports state one new settlement at a time, each differently: one is new, the other changes it, and both contents are kept."""
    (folder / "second").mkdir()
    second = Thread(target=take, args=(engine, folder / "second", row(setl_id="S-9", psn_no="SECOND")))
    held = keeping.held

    def beside(*given: Any) -> Any:
        found = held(*given)
        if second.ident is None:
            second.start()
            second.join(timeout=0.5)  # it has to wait for the lock
        return found

    monkeypatch.setattr(keeping, "held", beside)
    take(engine, folder, row(setl_id="S-9", psn_no="FIRST"))
    second.join()
    with engine.connect() as db:
        assert claims.get(db, SITE, "S-9").psn_no == "SECOND"
        assert [each["row"]["psn_no"] for each in claims.history(db, SITE, "S-9")] == ["FIRST"]
