"""Counts on a real database: kept by day, told beside peers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from central import migrate
from central.cases import service as cases
from central.cases.model import Verdict
from central.db import open_engine
from central.engines.duckdb import duckdb_in_memory
from central.errors import BadInput, NotFound
from central.indicators import service, shown, store, telling
from central.indicators.model import BY_ID, Count, Figure, Level, Scope
from central.indicators.tables import indicator_days, indicator_sites
from central.indicators.telling import Asked, Sort
from central.linkage import service as linkage
from central.reconciliation.compare import compare, tables_of
from central.rules.engine import RuleResults
from central.rules.model import IndicatorLimits, PeerStep
from central.rules.registry import rule_book
from tests.central.analysis import NOON, SITE, capture, rows, settlement
from tests.central.cases.test_ledger import SUSPICION
from tests.central.indicators.counties import DOCTOR, LAST, NORMAL, ODD, SMALL, days, fill
from tests.postgres import private_postgres

LIMITS = IndicatorLimits()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("db")
    if request.param == "sqlite":
        yield f"sqlite:///{folder / 'central.sqlite3'}"
    else:
        with private_postgres(folder) as url:
            yield url


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def empty(engine: Engine) -> None:
    with engine.begin() as db:
        db.execute(indicator_days.delete())
        db.execute(indicator_sites.delete())


def record(engine: Engine, *, now: datetime = NOON, **given: Any) -> int:
    book = replace(rule_book({}, "test"), active=())
    with duckdb_in_memory() as analysis:
        compare(analysis, {name: rows(name, each) for name, each in given.items()}, book)
        return service.record(engine, analysis, tables_of(book.linkage, analysis.dialect), book.indicators, now=now)


def fig(told: telling.Told, name: str) -> Figure:
    found = told.standings[name].figure
    assert found is not None
    return found


def stored(engine: Engine, name: str) -> dict[tuple[str, str, int], tuple[int, int]]:
    with engine.connect() as db:
        found = db.execute(indicator_days.select()).mappings()
        return {(row["fixmedins_code"], row["dr"], row["day"]): (row[f"{name}_n"], row[f"{name}_of"]) for row in found if row[f"{name}_of"]}


def ask(engine: Engine, **asked: Any) -> telling.Answer:
    with engine.connect() as db:
        return telling.answer(db, LIMITS, Asked(**asked))


def test_the_tables_are_what_the_migration_makes(engine: Engine) -> None:
    named = [each for each in map(str, migrate.differences(engine)) if "indicator" in each or "finding_" in each]
    assert named == []


def test_a_run_keeps_counts_by_day_and_repeating_it_changes_nothing(engine: Engine) -> None:
    given: dict[str, Any] = {"settlements": [settlement(1, dr_codg="D1"), settlement(2)], "captures": [capture(1)]}
    assert record(engine, **given) == 2
    assert stored(engine, "small_bills") == {(SITE, "", LAST): (2, 2), (SITE, "D1", LAST): (1, 1)}
    assert record(engine, **given) == 0
    with engine.connect() as db:
        (known,) = store.sites(db)
        assert dict(known) == {"fixmedins_code": SITE, "kind": "P", "level": "", "admdvs": "999999"}


def test_what_changed_is_counted_anew_and_days_before_the_first_known_one_stay(engine: Engine) -> None:
    early = settlement(1, setl_time=NOON - timedelta(days=3))
    record(engine, settlements=[early, settlement(2, dr_codg="D1")])
    assert record(engine, settlements=[settlement(2)]) == 2 - 1  # the doctor's row goes, the institution's is the same
    assert stored(engine, "small_bills") == {(SITE, "", LAST - 3): (1, 1), (SITE, "", LAST): (1, 1)}
    assert record(engine) == 0
    assert len(stored(engine, "small_bills")) == 2


def test_the_registers_say_kind_level_and_place(engine: Engine) -> None:
    known = {"fixmedins_code": SITE, "kind": "H", "level": "3", "admdvs": "440305"}
    record(engine, settlements=[settlement(1)], sites=[known])
    with engine.connect() as db:
        assert [dict(row) for row in store.sites(db)] == [known]


def test_what_became_of_findings_is_counted_on_the_day_they_were_found(engine: Engine) -> None:
    some = [replace(SUSPICION, subject_key=f"{SITE}/{number}") for number in range(4)]
    some[3] = replace(some[3], held="silent")
    flood = replace(SUSPICION, rule_id="FLT-01", subject_key="CC-01/1", fixmedins_code="")
    with engine.begin() as db:
        run_id = linkage.begin_run(db, engine="test", settlements=0, captures=0, started_at=NOON)
        before = {row.subject_key for row in cases.list_findings(db).rows}
        assert before == set()
        cases.record(db, RuleResults(suspicions=(*some, flood), ran=frozenset({"CC-01"}), faults=()), run_id=run_id, now=NOON)
        about_rule = cases.about_subject(db, "FLT-01", "CC-01/1")
        assert about_rule is not None
        cases.review(db, jr_id=about_rule.jr_id, verdict=Verdict.CONFIRM, reason="x", actor="m", now=NOON + timedelta(days=1))
        first, second, _ = cases.list_findings(db, rule_id="CC-01").rows
        cases.review(db, jr_id=first.jr_id, verdict=Verdict.CONFIRM, reason="x", actor="m", now=NOON + timedelta(days=1))
        cases.review(db, jr_id=second.jr_id, verdict=Verdict.DISMISS, reason="x", actor="m", now=NOON + timedelta(days=30))
    record(engine, now=NOON + timedelta(days=20))
    assert stored(engine, "confirmed") == {(SITE, "", LAST): (1, 2)}
    assert stored(engine, "overdue") == {(SITE, "", LAST): (1, 2)}
    record(engine, now=NOON + timedelta(days=22))
    assert stored(engine, "overdue") == {(SITE, "", LAST): (2, 3)}


def test_before_the_first_run_there_is_nothing_to_tell(engine: Engine) -> None:
    assert ask(engine) == telling.Answer(day=None, first=None, last=None, rows=())
    with engine.connect() as db, pytest.raises(NotFound, match="nothing was counted of institution"):
        service.by_day(db, scope=Scope.INSTITUTION, code=SITE, since=0, until=1)


def test_the_odd_one_stands_out_among_its_peers_and_nobody_else(engine: Engine) -> None:
    fill(engine)
    found = ask(engine)
    assert (found.day, found.first, found.last) == (date(2026, 1, 14), date(2025, 12, 11), date(2026, 1, 14))
    assert [told.subject.code for told in found.rows if told.at(Level.ALERT) or told.at(Level.WARN)] == [ODD]
    assert found.rows[0].subject.code == ODD
    (standing,) = found.rows[0].at(Level.ALERT)
    assert standing.figure is not None
    assert standing.before is not None
    assert standing.alert is not None
    assert (standing.indicator, standing.figure.n, standing.figure.of, standing.before.of, standing.rose) == (
        "small_bills",
        420,
        700,
        2800,
        True,
    )
    assert (standing.alert.peers, standing.alert.step) == (128, PeerStep.COUNTY)
    by_code = {told.subject.code: told.standings["small_bills"].level for told in found.rows}
    assert (by_code[SMALL], by_code[NORMAL]) == (Level.FEW, Level.NORMAL)


def test_an_earlier_day_is_told_as_it_was(engine: Engine) -> None:
    fill(engine)
    assert not [told for told in ask(engine, day=date(2026, 1, 7)).rows if told.at(Level.ALERT)]
    assert ask(engine, day=date(2020, 1, 1)).rows == ()


def test_doctors_and_regions_are_told_too(engine: Engine) -> None:
    fill(engine)
    (doctor,) = ask(engine, scope=Scope.DOCTOR).rows
    assert (doctor.subject.code, doctor.subject.kind, fig(doctor, "small_bills").of) == (DOCTOR, "doctor-P", 140)
    assert "devices_online" not in doctor.standings
    counties = {told.subject.code: told for told in ask(engine, scope=Scope.COUNTY).rows}
    assert set(counties) == {"330101", "330201"}
    assert fig(counties["330101"], "quick_refunds").of == 130 * 700
    assert [told.subject.code for told in ask(engine, scope=Scope.PROVINCE).rows] == ["33"]
    with pytest.raises(BadInput, match="not counted by doctor"):
        ask(engine, scope=Scope.DOCTOR, indicator="traffic")


def test_lists_are_filtered_and_ordered(engine: Engine) -> None:
    fill(engine)
    assert [told.subject.code for told in ask(engine, kind="H").rows] == ["H33020100001"]
    assert [told.subject.code for told in ask(engine, region="3302").rows] == ["H33020100001"]
    assert [told.subject.code for told in ask(engine, level="alert").rows] == [ODD]
    by_code = [told.subject.code for told in ask(engine, sort=Sort.CODE).rows]
    assert by_code == sorted(by_code)
    assert [told.subject.code for told in ask(engine, sort=Sort.CODE, turned=True).rows] == by_code[::-1]
    values = [fig(told, "small_bills").value for told in ask(engine, indicator="small_bills", sort=Sort.VALUE).rows]
    assert values == sorted(values, reverse=True)
    with pytest.raises(BadInput, match="none of verified"):
        ask(engine, indicator="luck")


def test_a_trend_leaves_days_without_data_empty(engine: Engine) -> None:
    with engine.begin() as db:
        store.put(db, [*days(SITE, since=LAST - 4, until=LAST - 3, mismatch_n=1, mismatch_of=4), *days(SITE, since=LAST, until=LAST)])
        store.put_sites(db, [{"fixmedins_code": SITE, "kind": "P", "level": "", "admdvs": "999999"}])
        found = service.by_day(db, scope=Scope.INSTITUTION, code=SITE, since=LAST - 5, until=LAST)
    assert found[LAST - 4]["mismatch"] == Count(n=1, of=4, days=1)
    assert shown.counted(found) == ("mismatch",)
    drawn = shown.chart("mismatch", found, LAST - 5, LAST, None)
    assert (drawn["values"], drawn["of"]) == ([None, 25.0, 25.0, None, None, None], [0, 4, 4, 0, 0, 0])


def test_a_spreadsheet_calculates_nothing(engine: Engine) -> None:
    fill(engine)
    lines = list(shown.standings_csv(ask(engine, level="alert").rows, date(2026, 1, 14), "institution", {ODD: '=HYPERLINK("x")'}))
    assert lines[0].startswith("\ufeffday,scope,code,name,")
    (line,) = [each for each in lines if ",small_bills," in each]
    assert f'{ODD},"\'=HYPERLINK(""x"")",P,0,330101,small_bills,420,700,0.600000' in line
    assert line.endswith(",128,county,1,alert\r\n")


def test_every_indicator_is_written_for_people() -> None:
    assert shown.value("mismatch", 0.0123) == "1.2 %"
    assert (shown.value("traffic", 1.5), shown.value("traffic", float("inf")), shown.value("traffic", None)) == ("1.50", "—", "—")
    assert set(BY_ID) == {name for name in BY_ID if shown.value(name, 0.5)}


def test_doctors_of_two_institutions_are_one(engine: Engine) -> None:
    other = "H33020100001"
    with engine.begin() as db:
        store.put(db, [*days(NORMAL, dr=DOCTOR, small_bills_of=10), *days(other, dr=DOCTOR, small_bills_of=20, small_bills_n=2)])
        store.put_sites(db, [{"fixmedins_code": each, "kind": each[0], "level": "", "admdvs": each[1:7]} for each in (NORMAL, other)])
    (told,) = ask(engine, scope=Scope.DOCTOR).rows
    assert (told.subject.kind, told.subject.admdvs, fig(told, "small_bills").of) == ("doctor-H", "330201", 210)
    with engine.connect() as db:
        found = service.by_day(db, scope=Scope.DOCTOR, code=DOCTOR, since=LAST, until=LAST)
    assert found[LAST]["small_bills"] == Count(n=2, of=30, days=1)


def test_the_newest_day_is_the_last_one_with_data(engine: Engine) -> None:
    fill(engine)
    assert telling.day_of(telling.number_of(date(2026, 1, 14))) == date(2026, 1, 14)
    assert telling.number_of(datetime(2026, 1, 14, tzinfo=UTC).date()) == LAST
