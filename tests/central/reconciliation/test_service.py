"""A whole reconciliation on a real database: captures as they were stored, claims as they were imported."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, insert, select, text
from sqlalchemy.exc import DatabaseError

from central import migrate
from central.captures.tables import bindings, captures, faces, voids
from central.cases import service as cases
from central.cases.model import Status
from central.cases.tables import findings
from central.claims import service as claims
from central.db import open_engine
from central.devices.tables import devices
from central.engines.duckdb import duckdb_in_memory
from central.linkage.tables import capture_links, runs, settlement_links
from central.people.tables import proxies
from central.reconciliation.model import RunReport
from central.reconciliation.service import reconcile
from central.sites.tables import sites
from tests.central.claims.files import row, write
from tests.postgres import private_postgres

SITE, DEVICE = "P99999900001", "P99999900001-t1"
NOON = datetime(2026, 1, 14, 4, tzinfo=UTC)
NOW = datetime(2026, 1, 15, tzinfo=UTC)
RULES = Path(__file__).parents[3] / "config" / "rules.toml"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Both databases, with one site and one device."""
    if request.param == "sqlite":
        yield prepared(f"sqlite:///{tmp_path / 'central.sqlite3'}")
        return
    with private_postgres(tmp_path) as url:
        engine = prepared(url)
        yield engine
        engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Engine:
    return prepared(f"sqlite:///{tmp_path / 'central.sqlite3'}")


def prepared(url: str) -> Engine:
    engine = open_engine(url)
    migrate.upgrade(engine)
    with engine.begin() as db:
        site = {"fixmedins_code": SITE, "fixmedins_name": "示例大药房", "admdvs": "999999", "evidence_mode": "all", "created_at": NOON}
        db.execute(insert(sites).values(**site))
        db.execute(insert(devices).values(device_id=DEVICE, fixmedins_code=SITE, enrolled_at=NOON))
    return engine


def watch(engine: Engine, number: int, outcome: str, *, psn_no: str | None = None, face: int | None = None, bound: bool = True) -> None:
    """Store the capture of settlement S-<number>, minutes after noon."""
    at, msgid = NOON + timedelta(minutes=number), f"M{number}"
    capture_id, psn_no = f"{DEVICE}:1:{number}", psn_no or f"PSN-{number}"
    row: dict[str, Any] = {"capture_id": capture_id, "device_id": DEVICE, "fixmedins_code": SITE, "window": "W1", "msgid": msgid}
    row |= {"infno": "2102", "psn_no": psn_no, "opened_at": at - timedelta(seconds=10), "closed_at": at, "closing": "bound"}
    row |= {"outcome": outcome, "reasons": [], "similarity": 0.4, "liveness": "live", "persons": 1, "frames_seen": 30, "frames_used": 10}
    row |= {"evidence_mode": "all", "software": {}, "received_at": at}
    with engine.begin() as db:
        db.execute(insert(captures).values(**row))
        if bound:
            reply = {
                "device_id": DEVICE,
                "epoch": 1,
                "seq": 1000 + number,
                "fixmedins_code": SITE,
                "msgid": msgid,
                "setl_id": f"S-{number}",
            }
            db.execute(insert(bindings).values(**reply, mdtrt_id="M", setl_time=at, medfee_sumamt=Decimal("38.50")))
        if face is not None:
            place = {"capture_id": capture_id, "fixmedins_code": SITE, "embedder": "e", "sealed_vector": b"", "face_group": face}
            db.execute(insert(faces).values(**place, similarity=None, band="same", seen_at=at))


def bill(engine: Engine, folder: Path, *numbers: int) -> None:
    """Import claims of these settlements; the msgid joins those that were never bound."""
    rows = [
        row(
            setl_id=f"S-{number}",
            medins_setl_id=f"M{number}",
            psn_no=f"PSN-{number}",
            setl_time=(NOON + timedelta(hours=8, minutes=number)).strftime("%Y-%m-%d %H:%M:%S"),
        )
        for number in numbers
    ]
    claims.import_file(engine, path=write(folder / "claims.csv", rows), actor="tester", now=NOW)


def run(engine: Engine, hours: int = 0) -> RunReport:
    return reconcile(engine, rules_file=RULES, now=NOW + timedelta(hours=hours))


def everything(engine: Engine, *tables: Table) -> list[list[dict[str, Any]]]:
    with engine.connect() as db:
        return [[dict(each) for each in db.execute(select(table).order_by(*table.primary_key)).mappings()] for table in tables]


def statuses(engine: Engine) -> dict[str, Status]:
    """Status by rule and subject."""
    with engine.connect() as db:
        return {f"{each.rule_id} {each.subject_key}": each.status for each in cases.list_findings(db).rows}


def play(engine: Engine, folder: Path) -> None:
    """A day at a window: genuine, another person, nobody, blind, undecided, one face with three cards, and both one-sided cases."""
    for number, outcome in enumerate(["same", "different", "no_person", "blind", "undecided"], start=1):
        watch(engine, number, outcome, bound=number != 1)
    for number in (6, 7, 8):
        watch(engine, number, "undecided", face=(1 << 61) + 42)
    watch(engine, 9, "same")
    watch(engine, 11, "same")
    bill(engine, folder, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11)


def test_a_day_at_a_window(engine: Engine, tmp_path: Path) -> None:
    play(engine, tmp_path)
    report = run(engine)
    assert (report.settlements, report.captures, report.faults) == (10, 10, ())
    assert {code: n for code, n in report.ledger.settlements.items() if n} == {"matched": 8, "blind": 1, "claim_without_capture": 1}
    assert {code: n for code, n in report.ledger.captures.items() if n} == {"matched": 8, "blind": 1, "capture_without_claim": 1}
    told = "\n".join(report.lines())
    assert "settlements: 1 claim_without_capture, 1 blind, 8 matched" in told
    assert "findings: 3 new, 0 updated, 0 withdrawn" in told
    assert statuses(engine) == {
        f"ID-01 {SITE}/S-2": Status.OPEN,
        f"PR-01 {SITE}/S-3": Status.OPEN,
        f"CC-01 {SITE}/{(1 << 61) + 42}": Status.OPEN,
    }


def test_a_second_run_changes_nothing_but_adds_a_run(engine: Engine, tmp_path: Path) -> None:
    play(engine, tmp_path)
    run(engine)
    before = everything(engine, settlement_links, capture_links, findings)
    report = run(engine, hours=1)
    assert (report.findings.new, report.findings.updated, report.findings.withdrawn) == (0, 0, 0)
    assert everything(engine, settlement_links, capture_links, findings) == before
    assert len(everything(engine, runs)[0]) == 2


def test_facts_that_come_later_withdraw_what_nobody_reviewed(sqlite: Engine, tmp_path: Path) -> None:
    """A proxy registered later, and a reversal told later; a dismissed finding stays dismissed."""
    for number in (1, 2, 3):
        watch(sqlite, number, "different")
    bill(sqlite, tmp_path, 1, 2, 3)
    run(sqlite)
    with sqlite.begin() as db:
        third = next(each for each in cases.list_findings(db).rows if each.subject_key.endswith("S-3"))
        cases.review(db, jr_id=third.jr_id, verdict="dismiss", reason="认识", actor="monitor", now=NOW)
        span = {"valid_from": NOON - timedelta(days=1), "valid_to": NOON + timedelta(days=1)}
        for psn_no in ("PSN-1", "PSN-3"):
            db.execute(insert(proxies).values(psn_no=psn_no, proxy_psn_no="PSN-M", reason="母亲", **span))
        db.execute(insert(voids).values(device_id=DEVICE, epoch=1, seq=2000, fixmedins_code=SITE, setl_id="S-2", msgid="M2", at=NOW))
    assert run(sqlite, hours=1).findings.withdrawn == 2
    assert list(statuses(sqlite).values()).count(Status.WITHDRAWN) == 2
    assert statuses(sqlite)[f"ID-01 {SITE}/S-3"] is Status.DISMISSED


def test_a_growing_group_updates_its_finding(sqlite: Engine, tmp_path: Path) -> None:
    for number in (1, 2):
        watch(sqlite, number, "undecided", face=42)
    bill(sqlite, tmp_path, 1, 2, 3)
    run(sqlite)
    ((before,),) = everything(sqlite, findings)
    watch(sqlite, 3, "undecided", face=42)
    report = run(sqlite, hours=1)
    ((after,),) = everything(sqlite, findings)
    assert (report.findings.new, report.findings.updated) == (0, 1)
    assert (after["jr_id"], after["found_at"]) == (before["jr_id"], before["found_at"])
    assert after["vola_evid"]["psn_nos"] == ["PSN-1", "PSN-2", "PSN-3"]


def test_if_storing_fails_the_last_good_state_stays(sqlite: Engine, tmp_path: Path) -> None:
    watch(sqlite, 1, "same")
    bill(sqlite, tmp_path, 1, 2)
    run(sqlite)
    before = everything(sqlite, settlement_links, capture_links, findings, runs)
    watch(sqlite, 2, "different")
    with sqlite.begin() as db:
        db.execute(text("CREATE TRIGGER full BEFORE INSERT ON findings BEGIN SELECT RAISE(ABORT, 'disk full'); END"))
    with pytest.raises(DatabaseError, match="disk full") as failure:
        run(sqlite, hours=1)
    assert "PSN-2" not in str(failure.value), "no person number in an error text"
    assert everything(sqlite, settlement_links, capture_links, findings, runs) == before
    with sqlite.begin() as db:
        db.execute(text("DROP TRIGGER full"))
    assert run(sqlite, hours=2).findings.new == 1


def test_nothing_at_all_is_reconciled_to_nothing(sqlite: Engine) -> None:
    report = run(sqlite)
    assert (report.settlements, report.captures, report.findings.new) == (0, 0, 0)


def test_the_analysis_fetches_no_extension_and_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with duckdb_in_memory() as analysis:
        known = [row for batch in analysis.rows("SELECT name, value FROM duckdb_settings()") for row in batch.to_pylist()]
        analysis.keep("many", "SELECT range AS n FROM range(100000)")
    settings = {each["name"]: each["value"] for each in known}
    assert settings["autoinstall_known_extensions"] == settings["autoload_known_extensions"] == "false"
    assert settings["temp_directory"] == ""
    assert list(tmp_path.iterdir()) == []
