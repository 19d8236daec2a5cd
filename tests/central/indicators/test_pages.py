"""Indicators on the console and by the API: who may, what is shown, what is refused."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from central.accounts.model import Role
from central.audit import service as audit
from central.indicators.model import INDICATORS
from tests.central.indicators.counties import DOCTOR, ODD, SMALL, fill
from tests.central.web.consoles import app_of, program, visitor


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    app = app_of(tmp_path_factory.mktemp("console"))
    fill(app.state.centre.engine)
    return app


def test_before_the_first_run_the_page_says_so(tmp_path: Path) -> None:
    page = visitor(app_of(tmp_path), Role.MONITOR).get("/indicators")
    assert page.status_code == 200
    assert "还没有统计数据" in page.text


@pytest.mark.parametrize("path", ["/indicators", f"/indicators/institution/{ODD}", "/indicators.csv"])
def test_only_readers_of_findings_see_indicators(app: FastAPI, path: str) -> None:
    assert visitor(app).get(path).status_code == 303
    assert visitor(app, Role.ADMINISTRATOR).get(path).status_code == 403
    assert visitor(app, Role.AUDITOR).get(path).status_code == 200
    assert program(app, Role.ADMINISTRATOR).get("/api/indicators").status_code == 403


def test_the_list_begins_with_the_gravest_and_shows_n(app: FastAPI) -> None:
    page = visitor(app, Role.MONITOR).get("/indicators").text
    assert page.index(ODD) < page.index("P33010100002")
    assert "60.0 %" in page
    assert "分母 700" in page
    page = visitor(app, Role.MONITOR).get("/indicators?indicator=small_bills").text
    assert "420 / 700" in page
    assert "P99 · 128 个同县同类" in page


@pytest.mark.parametrize(
    "query",
    ["indicator=luck", "scope=street", "level=awful", "sort=colour", "day=2026-02-30", "day=yesterday", "scope=doctor&indicator=traffic"],
)
def test_what_cannot_be_asked_is_refused_by_name(app: FastAPI, query: str) -> None:
    assert visitor(app, Role.MONITOR).get(f"/indicators?{query}").status_code == 400


@pytest.mark.parametrize(
    "query",
    ["scope=doctor", "scope=county", "scope=city&indicator=quick_refunds", "level=few", "region=99", "day=2019-01-01", "day=9999-12-31",
     "kind=%3Cscript%3E", "sort=value&turned=1", "page=999", "indicator=small_bills&sort=n", "region=%25"],
)  # fmt: skip
def test_what_can_be_asked_is_answered(app: FastAPI, query: str) -> None:
    page = visitor(app, Role.MONITOR).get(f"/indicators?{query}")
    assert page.status_code == 200
    assert "<script>" not in page.text


def test_one_subject_is_shown_with_all_its_figures_and_trends(app: FastAPI) -> None:
    page = visitor(app, Role.MONITOR).get(f"/indicators/institution/{ODD}").text
    assert page.count('class="trend"') == 2  # small bills and quick refunds were counted
    assert "60.0 %" in page
    assert "警报" in page
    assert "数量太少" in visitor(app, Role.MONITOR).get(f"/indicators/institution/{SMALL}").text
    assert visitor(app, Role.MONITOR).get(f"/indicators/doctor/{DOCTOR}").status_code == 200
    assert visitor(app, Role.MONITOR).get("/indicators/city/3301").status_code == 200


@pytest.mark.parametrize("path", ["institution/P00000000000", "city/33", "county/999999", "street/1", "institution/%3Cscript%3E"])
def test_an_unknown_subject_is_not_found(app: FastAPI, path: str) -> None:
    page = visitor(app, Role.MONITOR).get(f"/indicators/{path}")
    assert page.status_code in {404, 422}
    assert "<script>" not in page.text


def test_downloads_are_whole_and_noted_in_the_audit_log(app: FastAPI) -> None:
    answer = visitor(app, Role.AUDITOR).get("/indicators.csv?indicator=small_bills")
    assert answer.headers["content-disposition"] == 'attachment; filename="indicators-institution-2026-01-14.csv"'
    rows = list(csv.DictReader(StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 130
    assert {row["indicator"] for row in rows} == {"small_bills"}
    days = list(
        csv.DictReader(StringIO(visitor(app, Role.AUDITOR).get(f"/indicators/institution/{ODD}/days.csv").text.removeprefix("\ufeff")))
    )
    assert [(day["day"], day["small_bills_n"], day["small_bills_of"]) for day in days[-1:]] == [("2026-01-14", "60", "100")]
    with app.state.centre.engine.connect() as db:
        noted = [each.object for each in audit.entries(db).rows if each.action == "indicators.export"]
    assert noted[:2] == [f"2026-01-14 {ODD}", "2026-01-14"]


def test_programs_get_the_same_figures(app: FastAPI) -> None:
    reader = program(app, Role.MONITOR)
    assert [each["id"] for each in reader.get("/api/indicators/catalogue").json()] == [each.id for each in INDICATORS]
    answer: Any = reader.get("/api/indicators?size=1").json()
    assert (answer["day"], answer["total"], answer["rows"][0]["subject"]["code"]) == ("2026-01-14", 131, ODD)
    (small,) = [each for each in answer["rows"][0]["standings"] if each["indicator"] == "small_bills"]
    assert (small["figure"]["n"], small["figure"]["of"], small["level"], small["alert"]["peers"]) == (420, 700, "alert", 128)
    days = reader.get(f"/api/indicators/institution/{ODD}/days?since=2026-01-13&until=2026-01-14").json()
    assert days[0] == {"day": "2026-01-13", "counts": {"small_bills": [60, 100], "quick_refunds": [0, 100]}}
    assert reader.get(f"/api/indicators/institution/{ODD}/days?since=2026-01-14&until=2026-01-13").status_code == 400
    assert reader.get(f"/api/indicators/institution/{ODD}/days?since=1990-01-01&until=2026-01-13").status_code == 400
    assert reader.get("/api/indicators/institution/nobody/days?since=2026-01-13&until=2026-01-14").status_code == 404


def test_english_is_spoken_too(app: FastAPI) -> None:
    browser = visitor(app, Role.MONITOR)
    browser.cookies.set("language", "en")
    assert "P99 of 128 in the county" in browser.get("/indicators?indicator=small_bills").text
    assert "Small bills" in browser.get(f"/indicators/institution/{ODD}").text
