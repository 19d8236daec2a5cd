"""Groups of findings on a real database and on the console: derived with each change, and never more than a view."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, delete

from central import migrate
from central.accounts.model import Role
from central.cases import dossier
from central.cases import service as cases
from central.cases.model import Shared, Status, Verdict
from central.cases.tables import finding_groups, finding_keys, findings, reviews
from central.claims import service as claims
from central.db import open_engine, reading
from central.errors import BadInput, NotFound
from central.linkage import service as linkage
from central.rules.base import Suspicion
from central.rules.engine import RuleResults
from central.rules.model import GroupLimits
from tests.central.analysis import NOON, SITE
from tests.central.cases.test_ledger import SUSPICION
from tests.central.claims.files import row, write
from tests.central.web.consoles import PSN_NO, PSN_NO_MASKED, app_of, make_finding, program, visitor
from tests.postgres import private_postgres

RULES = frozenset({"CC-01"})


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("db")
    if request.param == "sqlite":
        yield f"sqlite:///{folder / 'central.sqlite3'}"
    else:
        with private_postgres(folder) as url:
            yield url


@pytest.fixture(scope="module")
def migrated(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(migrated: Engine) -> Engine:
    with migrated.begin() as db:
        for table in (finding_groups, finding_keys, reviews, findings):
            db.execute(delete(table))
    return migrated


def about(number: int, *, psn_no: str | None = None, setl: str | None = None, face: int | None = None, days: float = 0) -> Suspicion:
    named = [] if psn_no is None else [psn_no]
    evidence = {"capture_ids": [], "setl_ids": [] if setl is None else [setl], "psn_nos": named, "seen": {"face_group": face}}
    at = NOON + timedelta(days=days, seconds=number)
    return replace(SUSPICION, subject_key=f"{SITE}/{number}", psn_no=psn_no, vola_evid=evidence, occurred_at=at)


def record(engine: Engine, *suspicions: Suspicion, limits: GroupLimits | None = None) -> None:
    with engine.begin() as db:
        run_id = linkage.begin_run(db, engine="test", settlements=0, captures=0, started_at=NOON)
        results = RuleResults(suspicions=suspicions, ran=RULES, faults=())
        cases.record(db, results, run_id=run_id, now=NOON, group_limits=limits)


def groups(engine: Engine) -> list[set[int]]:
    """The numbers of the findings in each group of two and more."""
    with reading(engine).connect() as db:
        rows = cases.list_groups(db, only_open=False).rows
        return sorted(({int(each.subject_key.split("/")[1]) for each in cases.group(db, row.group_id).findings} for row in rows), key=min)


def jr_id(engine: Engine, number: int) -> str:
    with reading(engine).connect() as db:
        found = cases.about_subject(db, "CC-01", f"{SITE}/{number}")
    assert found is not None
    return found.jr_id


def test_findings_that_share_something_are_a_group_that_says_why(engine: Engine) -> None:
    record(engine, about(1, psn_no="A", face=7), about(2, psn_no="A"), about(3, face=7), about(4, psn_no="B"))
    assert groups(engine) == [{1, 2, 3}]
    with reading(engine).connect() as db:
        group = cases.group_of(db, jr_id(engine, 2))
        assert cases.group_of(db, jr_id(engine, 4)) is None
    assert group is not None
    assert group.group_id == f"GR{jr_id(engine, 1)[2:]}"
    assert group.shared == (Shared(tie="face", value="7", findings=2), Shared(tie="person", value=f"{SITE}/A", findings=2))


def test_a_new_finding_joins_two_groups_and_the_elders_name_stays(engine: Engine) -> None:
    some = [about(1, psn_no="A"), about(2, psn_no="A"), about(3, setl="S"), about(4, setl="S")]
    record(engine, *some)
    assert groups(engine) == [{1, 2}, {3, 4}]
    record(engine, *some, about(5, psn_no="A", setl="S"))
    assert groups(engine) == [{1, 2, 3, 4, 5}]
    with reading(engine).connect() as db:
        assert {row.group_id for row in cases.list_groups(db).rows} == {f"GR{jr_id(engine, 1)[2:]}"}


def test_a_withdrawn_finding_leaves_and_ties_nothing_any_more(engine: Engine) -> None:
    record(engine, about(1, psn_no="A"), about(2, psn_no="A", face=7), about(3, face=7))
    assert groups(engine) == [{1, 2, 3}]
    record(engine, about(1, psn_no="A"), about(3, face=7))
    assert groups(engine) == []


def test_held_findings_are_grouped_when_they_are_back(engine: Engine) -> None:
    some = [about(1, psn_no="A"), replace(about(2, psn_no="A"), held="silent"), about(3, psn_no="A", days=2)]
    limits = GroupLimits(person_days=1)
    record(engine, *some, limits=limits)
    assert groups(engine) == []
    with engine.begin() as db:
        assert cases.free(db, "silent", now=NOON, group_limits=limits) == 1
    assert groups(engine) == [{1, 2}]


def test_findings_at_two_institutions_are_tied_by_the_settlement_of_one(engine: Engine, tmp_path: Path) -> None:
    """One face used a card at another institution, whose own finding is about the same settlement: one group, and one dossier names it."""
    theirs = row(setl_id="S-9", fixmedins_code="P99999900002", psn_no="A")
    stranger = row(setl_id="S-9", fixmedins_code=SITE, psn_no="Z")
    claims.import_file(engine, path=write(tmp_path / "claims.csv", [theirs, stranger]), actor="test", now=NOON)
    there = replace(about(2, psn_no="A", setl="S-9"), fixmedins_code="P99999900002", subject_key=f"{SITE}/2")
    record(engine, about(1, psn_no="A", setl="S-9"), there, about(3, psn_no="Z", setl="S-9"), about(4, psn_no="B", setl="S-9"))
    assert groups(engine) == [{1, 2}, {3, 4}]
    with reading(engine).connect() as db:
        read = dossier.read(db, jr_id(engine, 1))
        assert [(each.fixmedins_code, each.psn_no) for each in read.settlements] == [("P99999900002", "A")]
        nobody = dossier.read(db, jr_id(engine, 4))
        assert [(each.fixmedins_code, each.psn_no) for each in nobody.settlements] == [(SITE, "Z")]


def test_repeating_changes_nothing_and_a_review_stays_what_it_is(engine: Engine) -> None:
    some = [about(1, psn_no="A"), about(2, psn_no="A")]
    record(engine, *some)
    with engine.begin() as db:
        cases.review(db, jr_id=jr_id(engine, 1), verdict=Verdict.DISMISS, reason="x", actor="m", now=NOON)
    record(engine, *some)
    assert groups(engine) == [{1, 2}]
    with reading(engine).connect() as db:
        (row,) = cases.list_groups(db).rows
        assert (row.findings, row.open, row.rules, row.fixmedins_codes) == (2, 1, ("CC-01",), (SITE,))
        assert cases.get(db, jr_id(engine, 1)).status is Status.DISMISSED
        cases.list_findings(db)
    with engine.begin() as db:
        cases.review(db, jr_id=jr_id(engine, 2), verdict=Verdict.CONFIRM, reason="x", actor="m", now=NOON)
        assert (cases.list_groups(db).total, cases.list_groups(db, only_open=False).total) == (0, 1)


def test_findings_from_before_there_were_groups_are_grouped_with_the_next_change(engine: Engine) -> None:
    some = [about(1, psn_no="A"), about(2, psn_no="A")]
    record(engine, *some)
    with engine.begin() as db:
        db.execute(delete(finding_keys))
        db.execute(delete(finding_groups))
    record(engine, *some)
    assert groups(engine) == [{1, 2}]


def test_a_poster_in_many_findings_makes_full_groups(engine: Engine) -> None:
    limits = GroupLimits(most=50)
    many = [about(number, face=7) for number in range(300)]
    record(engine, *many, limits=limits)
    assert [len(each) for each in groups(engine)] == [50] * 6
    record(engine, *many, about(300, face=7), limits=limits)
    assert [len(each) for each in groups(engine)] == [50] * 6
    with reading(engine).connect() as db:
        assert cases.group_of(db, jr_id(engine, 300)) is None
        assert cases.list_groups(db, page=2, size=4).total == 6


def test_what_is_not_there_is_named(engine: Engine) -> None:
    with reading(engine).connect() as db:
        with pytest.raises(NotFound, match="group 'GR1' is not here"):
            cases.group(db, "GR1")
        with pytest.raises(BadInput, match="page 0 of size 50"):
            cases.list_groups(db, page=0)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return app_of(tmp_path_factory.mktemp("console"))


def test_the_console_shows_groups_with_persons_masked_and_a_finding_shows_its_own(app: FastAPI) -> None:
    first, second = make_finding(app.state.centre), make_finding(app.state.centre, number=2)
    browser = visitor(app, Role.MONITOR)
    page = browser.get("/findings/groups").text
    assert "2 条疑点" in page
    assert PSN_NO_MASKED in page
    assert PSN_NO not in page
    name = page.split('href="/findings/groups/', 1)[1].split('"', 1)[0]
    group = browser.get(f"/findings/groups/{name}").text
    assert f"/findings/{first}" in group
    assert f"/findings/{second}" in group
    assert PSN_NO not in group
    assert f"/findings/{second}" in browser.get(f"/findings/{first}").text
    assert program(app, Role.AUDITOR).get(f"/api/findings/groups/{name}").json()["group_id"] == name
    assert program(app, Role.AUDITOR).get("/api/findings/groups").json()["total"] == 1


@pytest.mark.parametrize("path", ["/findings/groups", "/findings/groups/GR1"])
def test_only_readers_of_findings_see_groups(tmp_path: Path, path: str) -> None:
    app = app_of(tmp_path)
    assert visitor(app).get(path).status_code == 303
    assert visitor(app, Role.ADMINISTRATOR).get(path).status_code == 403
    assert visitor(app, Role.EXAMINER).get("/findings/groups").status_code == 200
    assert visitor(app, Role.EXAMINER).get("/findings/groups/GR1").status_code == 404
