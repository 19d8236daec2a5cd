"""Registers are kept with history, joined with what the centre knows, and excuse where they contradict each other."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from central import migrate
from central.changes import service as changes
from central.changes.model import ChangeKind
from central.db import from_micros, open_engine, reading
from central.feeds.report import ImportReport
from central.imports import service as imports
from central.inputs import FOREVER, SCHEMAS
from central.registers import service as registers
from central.registers.model import Contradiction
from central.settings import ClaimSettings
from central.sites import service as sites
from central.sites.model import NewSite
from contract.events import EvidenceMode
from tests.central.claims.files import write
from tests.postgres import private_postgres

NOW = datetime(2026, 2, 1, tzinfo=UTC)
A, B = "H99999900001", "H99999900002"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'central.sqlite3'}")
        migrate.upgrade(engine)
        yield engine
        return
    with private_postgres(tmp_path) as url:
        engine = open_engine(url)
        migrate.upgrade(engine)
        yield engine
        engine.dispose()


def take(engine: Engine, folder: Path, dataset: str, *rows: dict[str, str]) -> ImportReport:
    path = write(folder / f"{dataset}.csv", rows)
    return imports.take(engine, imports.request(dataset, path, ClaimSettings(), actor="tester", now=NOW))


def test_registers_come_in_change_and_are_told_with_their_history(engine: Engine, tmp_path: Path) -> None:
    stay = {"fixmedins_code": A, "mdtrt_id": "M1", "psn_no": "P1", "admitted_at": "2026-01-05 08:00:00", "discharged_at": ""}
    assert take(engine, tmp_path, "stays", stay, stay | {"mdtrt_id": "M2", "psn_no": "P2"}).new == 2
    report = take(engine, tmp_path, "stays", stay | {"discharged_at": "2026-01-09 10:00:00"}, stay | {"mdtrt_id": "M2", "psn_no": "P2"})
    assert (report.new, report.changed, report.same) == (0, 1, 1)
    hours = {"fixmedins_code": A, "weekday": "1", "open": "08:00", "close": "12:00"}
    assert take(engine, tmp_path, "hours", hours, hours | {"open": "14:00", "close": "17:30"}, hours | {"weekday": "8"}).bad == 1
    night = hours | {"weekday": "2", "open": "21:00", "close": "02:00"}
    assert take(engine, tmp_path, "hours", night, hours | {"weekday": "3", "close": "08:00"}).bad == 0
    staff = {"fixmedins_code": A, "psn_no": "", "role": "doctor", "code": "D1", "from": "", "to": "2026-12-31"}
    assert take(engine, tmp_path, "staff", staff, staff | {"code": "", "psn_no": "P9", "role": "clerk"}).new == 2
    assert take(engine, tmp_path, "staff", staff).same == 1
    with reading(engine).begin() as db:
        (before,) = registers.history(db, "stays", (A, "M1"))
        found = registers.tables(db)
        news = changes.pending(db)
    assert (before["why"], before["row"]["discharged_at"], before["import_id"], before["replaced_by"]) == ("changed", None, 1, 2)
    assert {name: table.schema for name, table in found.items()} == {name: SCHEMAS[name] for name in registers.DATASETS}
    spans = sorted(zip(*(found["hours"][name].to_pylist() for name in ("weekday", "opens", "closes")), strict=True))
    assert spans == [(1, 480, 720), (1, 840, 1050), (2, 1260, 120), (3, 480, 480)]
    assert {(row["psn_no"], row["code"], row["valid_from"]) for row in found["staff"].to_pylist()} == {("P9", None, 0), (None, "D1", 0)}
    assert {each.kind for each in news.changes} - {ChangeKind.EVERYTHING} == {ChangeKind.SITE, ChangeKind.STAFF}


def test_what_people_and_sites_know_is_joined_in(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as db:
        new = NewSite(
            fixmedins_code=A,
            fixmedins_name="一院",
            admdvs="999999",
            evidence_mode=EvidenceMode.VERDICT_ONLY,
            legal_basis=None,
            opening_hours="mon 08:00-12:00; tue 09:00-10:00",
        )
        sites.register_site(db, new, now=NOW, actor="tester")
    take(engine, tmp_path, "hours", {"fixmedins_code": A, "weekday": "1", "opens": "480", "closes": "720"})
    take(engine, tmp_path, "proxies", {"psn_no": "P1", "proxy_psn_no": "P2", "from": "2026-01-01", "to": ""})
    with reading(engine).begin() as db:
        found = registers.tables(db)
        said = {each.kind: each for each in registers.contradictions(db)}
    assert sorted((row["weekday"], row["opens"], row["closes"]) for row in found["hours"].to_pylist()) == [(1, 480, 720), (2, 540, 600)]
    assert said[Contradiction.TWO_OPENING_HOURS].examples == (A,)
    assert found["proxies"]["valid_to"].to_pylist() == [FOREVER]


def test_registers_that_contradict_each_other_are_named_and_excuse(engine: Engine, tmp_path: Path) -> None:
    people = [{"psn_no": name, "death_date": "2026-01-02"} for name in ("DEAD", "ALIVE")]
    take(engine, tmp_path, "persons", *people, {"psn_no": "P1", "death_date": ""})
    at = {"fixmedins_code": A, "admitted_at": "2026-01-05 08:00:00", "discharged_at": "2026-01-09 08:00:00"}
    stays = [at | {"mdtrt_id": "M1", "psn_no": "ALIVE"}, at | {"mdtrt_id": "M2", "psn_no": "P1"}]
    elsewhere = at | {"fixmedins_code": B, "mdtrt_id": "M3", "psn_no": "P1", "admitted_at": "2026-01-06 08:00:00"}
    later = at | {"fixmedins_code": B, "mdtrt_id": "M4", "psn_no": "ALIVE", "admitted_at": "2026-01-09 09:00:00", "discharged_at": ""}
    take(engine, tmp_path, "stays", *stays, elsewhere, later)
    staff = {"fixmedins_code": A, "psn_no": "P1", "role": "doctor", "code": "D1", "valid_from": "2026-01-01", "valid_to": ""}
    take(engine, tmp_path, "staff", staff, staff | {"psn_no": "P2"}, staff | {"psn_no": "P3", "code": "D2"})
    with reading(engine).begin() as db:
        found = registers.tables(db)
        said = {each.kind: each for each in registers.contradictions(db)}
    deaths = {row["psn_no"]: row["death_date"] for row in found["persons"].to_pylist()}
    assert (deaths["ALIVE"], deaths["P1"]) == (None, None)
    assert from_micros(deaths["DEAD"]) == datetime(2026, 1, 1, 16, tzinfo=UTC)
    assert sorted(found["stays"]["mdtrt_id"].to_pylist()) == ["M1", "M4"]
    assert {row["code"]: row["psn_no"] for row in found["staff"].to_pylist()} == {"D1": None, "D2": "P3"}
    assert said[Contradiction.ALIVE_AFTER_DEATH].examples == ("ALIVE",)
    assert said[Contradiction.ONE_CODE_TWO_PERSONS].examples == ("D1",)
    assert said[Contradiction.TWO_STAYS_AT_ONCE].examples == ("M2", "M3")


def test_a_row_that_cannot_be_is_named(engine: Engine, tmp_path: Path) -> None:
    proxy = {"psn_no": "P1", "proxy_psn_no": "P1", "from": "2026-01-02", "to": "2026-01-01"}
    report = take(engine, tmp_path, "proxies", proxy)
    assert [(fault.column, fault.message) for fault in report.first_faults] == [
        ("valid_to", "does not lie after valid_from"),
        ("proxy_psn_no", "is the same as psn_no"),
    ]


def test_lines_and_places_are_found_by_their_settlements(engine: Engine, tmp_path: Path) -> None:
    line = {"fixmedins_code": A, "setl_id": "S1", "feedetl_sn": "1", "fee_ocur_time": "2026-01-05 08:00:00", "med_list_codg": "X1"}
    amounts = {"cnt": "2.500", "det_item_fee_sumamt": "10.00"}
    take(engine, tmp_path, "details", line | amounts, line | amounts | {"setl_id": "S2"})
    take(engine, tmp_path, "places", {"fixmedins_code": A, "setl_id": "S1", "latitude": "30.5", "longitude": "104"})
    with reading(engine).begin() as db:
        found = registers.lines_of(db, [(A, "S1"), (A, "S9")])
        none = registers.lines_of(db, [])
    assert (found["details"]["cnt"].to_pylist(), found["details"]["det_item_fee_sumamt"].to_pylist()) == ([2500], [1000])
    assert found["places"]["latitude"].to_pylist() == [30.5]
    assert (none["details"].schema, none["details"].num_rows) == (SCHEMAS["details"], 0)
