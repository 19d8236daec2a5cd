"""Files into any dataset: dry runs, complete files, stops half-way, two at once, and why an older version is one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from central import migrate
from central.china import CHINA
from central.claims import service as claims
from central.claims.tables import settlements
from central.db import open_engine, to_micros
from central.errors import BadInput, Conflict
from central.feeds import importing
from central.feeds import service as feeds
from central.feeds.model import Fault
from central.feeds.report import ImportReport, Period
from central.feeds.tables import imports as imports_table
from central.imports import service as imports
from central.settings import ClaimSettings
from tests.central.claims.files import row, write

NOW = datetime(2026, 2, 5, tzinfo=UTC)
SITE = "P99999900001"
JANUARY = Period(since=datetime(2026, 1, 1, tzinfo=CHINA), until=datetime(2026, 2, 1, tzinfo=CHINA))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'central.sqlite3'}")
    migrate.upgrade(engine)
    return engine


def wanted(folder: Path, *rows: dict[str, str], period: Period | None = None, share: float = 1.0) -> feeds.Request:
    path = write(folder / "claims.csv", rows)
    return imports.request("claims", path, ClaimSettings(), actor="tester", now=NOW, period=period, withdraw_share=share)


def counts(report: ImportReport) -> dict[str, int]:
    names = ("rows", "new", "changed", "same", "bad", "invalid", "withdrawn")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def many(*numbers: int, **changes: str) -> list[dict[str, str]]:
    return [row(setl_id=f"S-{number}", **changes) for number in numbers]


def test_a_dry_run_says_what_the_import_then_does_and_stores_nothing(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_SLICE", 3)  # what stands twice lies in different parts
    imports.take(engine, wanted(tmp_path, *many(1, 2, 3, 4, vali_flag="1"), row(setl_id="S-5", setl_time="2025-12-30 10:00:00")))
    again = [
        *many(1),
        *many(2, psn_no="X"),
        *many(6, 7),
        *many(6),
        *many(7, psn_no="Y"),
        *many(8, psn_no=""),
        *many(9),
        *many(9, psn_no="Z"),
    ]
    back = [each | {"vali_flag": "0" if each["setl_id"] == "S-3" else "1"} for each in [*again, *many(3)]]
    told: list[Fault] = []
    dry = imports.try_out(engine, wanted(tmp_path, *back, period=JANUARY), told.append)
    with engine.connect() as db:
        assert db.scalar(select(func.count()).select_from(settlements)) == 5
        assert db.scalar(select(func.count()).select_from(imports_table)) == 1
    real = imports.take(engine, wanted(tmp_path, *back, period=JANUARY))
    assert counts(dry) == counts(real) == {"rows": 10, "new": 3, "changed": 1, "same": 2, "bad": 3, "invalid": 1}
    assert (dry.kept_back, real.kept_back) == (1, 1), "S-4 may be one of the refused rows"
    assert "3 rows were refused" in real.why_kept_back
    with engine.connect() as db:
        assert real.import_id is not None
        assert told == list(feeds.faults(db, real.import_id))


def test_a_complete_file_withdraws_what_it_does_not_name_and_says_why(engine: Engine, tmp_path: Path) -> None:
    imports.take(engine, wanted(tmp_path, *many(1, 2, 3), row(setl_id="S-9", setl_time="2025-12-31 23:59:59")))
    dry = imports.try_out(engine, wanted(tmp_path, *many(1, 2), period=JANUARY))
    real = imports.take(engine, wanted(tmp_path, *many(1, 2), period=JANUARY))
    assert counts(dry) == counts(real) == {"rows": 2, "same": 2, "withdrawn": 1}
    with engine.connect() as db:
        (before,) = claims.history(db, SITE, "S-3")
        assert (before["why"], before["import_id"], before["replaced_by"]) == ("absent", 1, 2)
        assert claims.analysis_table(db).num_rows == 3


def test_a_file_that_would_withdraw_too_much_withdraws_nothing(engine: Engine, tmp_path: Path) -> None:
    imports.take(engine, wanted(tmp_path, *many(*range(10))))
    report = imports.take(engine, wanted(tmp_path, *many(1), period=JANUARY, share=0.5))
    assert (report.withdrawn, report.kept_back) == (0, 9)
    assert "90% of the 10 that are here for 2026-01-01 00:00:00 to 2026-02-01 00:00:00" in "\n".join(report.lines())


def test_the_share_is_of_what_was_here_before_and_a_dry_run_says_the_same(engine: Engine, tmp_path: Path) -> None:
    """Many new rows in the file make it no less doubtful that old ones are missing, nor do old ones of another period."""
    imports.take(engine, wanted(tmp_path, *many(*range(10)), *many(*range(50, 90), setl_time="2025-12-31 10:00:00")))
    file = [*many(*range(1, 10)), *many(*range(100, 140)), *many(*range(50, 90), setl_time="2025-12-31 10:00:00")]
    dry = imports.try_out(engine, wanted(tmp_path, *file, period=JANUARY, share=0.019))
    real = imports.take(engine, wanted(tmp_path, *file, period=JANUARY, share=0.019))
    assert counts(dry) == counts(real) == {"rows": 89, "new": 40, "same": 49}
    assert (dry.kept_back, dry.why_kept_back) == (real.kept_back, real.why_kept_back)
    assert "2% of the 50 that are here" in real.why_kept_back
    others = wanted(tmp_path, *many(*range(500, 600)), period=JANUARY, share=0.9)
    assert (imports.try_out(engine, others).kept_back, imports.take(engine, others).kept_back) == (50, 50), "it names none of them"


def stopped(engine: Engine, request: feeds.Request) -> None:
    """An import that ends after its first part."""

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        imports.take(engine, replace(request, progress=stop))


@pytest.mark.parametrize(("said", "withdrawn", "why"), [("PSN-1", 1, ""), ("OTHER", 0, "import 2 of the same dataset was at work")])
def test_what_an_earlier_import_restates_later_is_not_withdrawn(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, withdrawn: int, why: str
) -> None:
    """Import 2 goes on while the complete file 3, which names the same row, has not ended."""
    imports.take(engine, wanted(tmp_path, *many(9)))
    monkeypatch.setattr(importing, "_SLICE", 2)
    monkeypatch.setattr(importing, "_NEWS", 2)
    second = [*many(20, 21), *many(1, psn_no=said)]
    complete = wanted(tmp_path, *many(1, 20, 21), period=JANUARY)
    stopped(engine, wanted(tmp_path, *second))
    stopped(engine, wanted(tmp_path, *many(1, 20, 21), period=JANUARY))
    assert imports.take(engine, wanted(tmp_path, *second)).import_id == 2
    report = imports.take(engine, replace(complete, path=write(tmp_path / "claims.csv", many(1, 20, 21))))
    assert (report.import_id, report.withdrawn) == (3, withdrawn)
    assert report.why_kept_back.startswith(why)
    with engine.connect() as db:
        assert "S-1" in claims.analysis_table(db)["setl_id"].to_pylist()


def test_much_is_withdrawn_some_at_a_time_and_a_stop_between_is_mended(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imports.take(engine, wanted(tmp_path, *many(*range(10))))
    monkeypatch.setattr(importing, "_SLICE", 4)
    some, left = importing._withdraw_some, iter(range(1))

    def stopping(*given: object) -> object:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return some(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as once, pytest.raises(KeyboardInterrupt):
        once.setattr(importing, "_withdraw_some", stopping)
        imports.take(engine, wanted(tmp_path, *many(0), period=JANUARY))
    report = imports.take(engine, wanted(tmp_path, *many(0), period=JANUARY))
    assert (report.import_id, counts(report)) == (2, {"rows": 1, "same": 1, "withdrawn": 9})
    with engine.connect() as db:
        assert [len(claims.history(db, SITE, f"S-{number}")) for number in range(10)] == [0, *[1] * 9]


def test_what_a_program_sent_is_never_gone_on_with_by_a_file(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_SLICE", 2)
    monkeypatch.setattr(importing, "_NEWS", 2)
    stopped(engine, replace(wanted(tmp_path, *many(1, 2, 3)), kind="push"))
    assert imports.take(engine, wanted(tmp_path, *many(1, 2, 3))).import_id == 2


def test_a_time_that_is_a_key_is_told_as_one(engine: Engine, tmp_path: Path) -> None:
    leave = {"fixmedins_code": SITE, "mdtrt_id": "M-1", "leave_from": "2026-01-02 08:00:00", "reason": "leave"}
    path = write(tmp_path / "leaves.csv", [leave, leave | {"reason": "transfer"}])
    report = imports.take(engine, imports.request("leaves", path, ClaimSettings(), actor="x", now=NOW))
    assert [(fault.line, fault.column, fault.value) for fault in report.first_faults] == [(3, "leave_from", "2026-01-02 08:00:00")]


def test_what_a_later_import_stated_meanwhile_is_not_withdrawn(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A complete file is stopped half-way; another file restates what it had named, and one row that it does not name."""
    imports.take(engine, wanted(tmp_path, *many(8, 9)))
    monkeypatch.setattr(importing, "_SLICE", 2)
    monkeypatch.setattr(importing, "_NEWS", 2)
    stopped(engine, wanted(tmp_path, *many(1, 2, 3), period=JANUARY))
    imports.take(engine, wanted(tmp_path, *many(1, 8)))
    report = imports.take(engine, wanted(tmp_path, *many(1, 2, 3), period=JANUARY))
    assert (report.import_id, report.resumed_after is not None, report.withdrawn) == (2, True, 1)
    with engine.connect() as db:
        assert sorted(claims.analysis_table(db)["setl_id"].to_pylist()) == ["S-1", "S-2", "S-3", "S-8"]


def test_only_the_named_sites_are_meant_by_a_complete_file(engine: Engine, tmp_path: Path) -> None:
    other = "P99999900002"
    imports.take(engine, wanted(tmp_path, *many(1, 2), *many(3, fixmedins_code=other)))
    here = Period(since=JANUARY.since, until=JANUARY.until, sites=(SITE,))
    assert imports.take(engine, wanted(tmp_path, *many(1), period=here)).withdrawn == 1
    with engine.connect() as db:
        assert claims.get(db, other, "S-3").setl_id == "S-3"


def test_each_older_version_says_when_and_why_it_became_one(engine: Engine, tmp_path: Path) -> None:
    imports.take(engine, wanted(tmp_path, *many(1, vali_flag="1")))
    imports.take(engine, wanted(tmp_path, *many(1, psn_no="X", vali_flag="1")))
    imports.take(engine, wanted(tmp_path, *many(1, vali_flag="0")))
    with engine.connect() as db:
        first, second = claims.history(db, SITE, "S-1")
    assert [(each["why"], each["import_id"], each["replaced_by"]) for each in (first, second)] == [("changed", 1, 2), ("taken_back", 2, 3)]
    assert (first["row"]["psn_no"], second["row"]["psn_no"], first["replaced_at"]) == ("PSN-1", "X", NOW)
    assert first["row"]["setl_time"] == "2026-01-02T01:30:21+00:00"


def test_when_a_settlement_first_came_is_never_said_anew(engine: Engine, tmp_path: Path) -> None:
    imports.take(engine, wanted(tmp_path, *many(1)))
    later = imports.request(
        "claims", write(tmp_path / "b.csv", many(1, psn_no="X")), ClaimSettings(), actor="x", now=datetime(2026, 3, 1, tzinfo=UTC)
    )
    imports.take(engine, later)
    with engine.connect() as db:
        assert claims.analysis_table(db)["received_at"].cast("int64").to_pylist() == [to_micros(NOW)]


def test_a_stop_anywhere_is_mended_by_starting_again(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_SLICE", 4)
    rows = [row(setl_id=f"S-{n}", psn_no="" if n % 5 == 0 else "P-1") for n in range(30)]
    take_part = importing._take_part
    for parts in (2, 3, 0):
        left = iter(range(parts))

        def stopping(*given: object, left: Iterator[int] = left) -> object:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return take_part(*given)  # type: ignore[arg-type]

        with monkeypatch.context() as stopped, pytest.raises(KeyboardInterrupt):
            stopped.setattr(importing, "_take_part", stopping)
            imports.take(engine, wanted(tmp_path, *rows))
    report = imports.take(engine, wanted(tmp_path, *rows))
    assert counts(report) == {"rows": 30, "new": 24, "bad": 6}
    with engine.connect() as db:
        assert report.import_id == 1
        assert [fault.line for fault in feeds.faults(db, 1)] == [n + 2 for n in range(0, 30, 5)]
        assert claims.analysis_table(db).num_rows == 24


def test_of_two_that_import_one_file_one_stops_and_nothing_counts_twice(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_SLICE", 4)
    request = wanted(tmp_path, *many(*range(20)))
    inner: list[ImportReport] = []
    monkeypatch.setattr(importing, "_NEWS", 4)

    def second(_: str) -> None:
        if not inner:
            inner.append(imports.take(engine, wanted(tmp_path, *many(*range(20)))))

    with pytest.raises(Conflict, match="another process is taking in the same file"):
        imports.take(engine, feeds.Request(**{name: getattr(request, name) for name in request.__slots__} | {"progress": second}))
    assert counts(inner[0]) == {"rows": 20, "new": 20}


def test_an_unknown_dataset_and_half_a_period_are_refused_by_name(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'cliams' is no dataset; there are claims, details"):
        imports.request("cliams", tmp_path / "x.csv", ClaimSettings(), actor="x", now=NOW)
    path = write(tmp_path / "items.csv", [{"med_list_codg": "A", "per_session": "0"}])
    with pytest.raises(BadInput, match="items have no time of their own"):
        imports.take(engine, imports.request("items", path, ClaimSettings(), actor="x", now=NOW, period=JANUARY))
