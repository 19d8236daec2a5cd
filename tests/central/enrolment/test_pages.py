"""The pages of sites: what is missing is seen, an approval is recorded, and no password or token is shown to anybody."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from central.accounts.model import Role
from central.app import create_app
from central.sites import service as sites
from central.wiring import Centre
from contract.enrolment import AnswerEnvelope
from tests.builders import AT, DEVICE, SITE
from tests.central.enrolment.terminal import PASSWORD, PLANNED, Newcomer, planned
from tests.central.web.consoles import HOSTILE, csrf_of, make_console, program, visitor

APPROVAL = {
    "kind": "legal",
    "reference": "法审〔2026〕1号",
    "approved_by": "法规处",
    "approved_on": "2026-01-01",
    "valid_until": "2026-12-31",
}


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    centre = make_console(tmp_path)
    newcomer = Newcomer(planned(centre))
    newcomer.ask(centre)
    planned(centre, renew=True)
    return create_app(centre)


def centre_of(app: FastAPI) -> Centre:
    centre: Centre = app.state.centre
    return centre


def test_a_program_that_sends_data_sees_no_site(app: FastAPI) -> None:
    assert visitor(app, Role.SOURCE).get(f"/sites/{SITE}").status_code == 403


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SOURCE])
def test_everybody_sees_how_a_site_was_enrolled_and_nobody_a_secret(app: FastAPI, role: Role) -> None:
    browser = visitor(app, role)
    page = browser.get(f"/sites/{SITE}")
    assert page.status_code == 200
    for seen in (DEVICE, "rtsp://10.0.0.9", "HIK DS-2CD", "已入网", "可用", "已使用", "未同时通过法制审核和技术审核"):
        assert seen in page.text
    assert PASSWORD not in page.text and "enrol1-" not in page.text
    assert DEVICE in browser.get("/sites").text
    assert browser.get("/sites/P11111111111").status_code == 404


def test_nobody_sees_it_without_login(app: FastAPI) -> None:
    for path in ("/sites", f"/sites/{SITE}"):
        assert visitor(app).get(path).headers["location"].startswith("/login")


def test_an_administrator_records_an_approval(app: FastAPI) -> None:
    browser = visitor(app, Role.ADMINISTRATOR)
    form = APPROVAL | {"csrf": csrf_of(browser.get(f"/sites/{SITE}").text)}
    assert browser.post(f"/sites/{SITE}/approvals", data=form).headers["location"] == f"/sites/{SITE}"
    browser.post(f"/sites/{SITE}/approvals", data=form | {"kind": "technical", "reference": HOSTILE})
    page = browser.get(f"/sites/{SITE}").text
    assert APPROVAL["reference"] in page and "未同时通过" not in page and HOSTILE not in page
    with centre_of(app).engine.begin() as db:
        assert sites.standing(db, SITE, AT).reviewed
        assert sites.standing(db, SITE, AT).legal.recorded_by == "chief"  # type: ignore[union-attr]


@pytest.mark.parametrize("wrong", [{"kind": "other"}, {"approved_on": "1.1.2026"}, {"approved_on": "2027-01-01"}, {"reference": ""}])
def test_a_wrong_approval_is_shown_again_with_what_was_entered(app: FastAPI, wrong: dict[str, str]) -> None:
    browser = visitor(app, Role.ADMINISTRATOR)
    form = APPROVAL | wrong | {"csrf": csrf_of(browser.get(f"/sites/{SITE}").text)}
    answer = browser.post(f"/sites/{SITE}/approvals", data=form)
    assert answer.status_code == 400 and "法规处" in answer.text and 'role="alert"' in answer.text
    with centre_of(app).engine.begin() as db:
        assert sites.approvals(db, SITE) == ()


def test_others_may_not_record_one(app: FastAPI) -> None:
    for role in (Role.MONITOR, Role.AUDITOR):
        browser = visitor(app, role)
        page = browser.get(f"/sites/{SITE}").text
        assert "/approvals" not in page
        assert browser.post(f"/sites/{SITE}/approvals", data=APPROVAL | {"csrf": csrf_of(page)}).status_code == 403


def test_a_terminal_enrols_without_login_and_a_refusal_is_audited(tmp_path: Path) -> None:
    centre = make_console(tmp_path)
    app = create_app(centre)
    newcomer = Newcomer(planned(centre, PLANNED))
    terminal = TestClient(app)
    answer = terminal.post("/api/enrolment", content=newcomer.request(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200 and AnswerEnvelope.model_validate_json(answer.content)
    refused = terminal.post("/api/enrolment", content=Newcomer(newcomer.token).request(), headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (409, "enrolment_refused")
    told = program(app, Role.AUDITOR).get("/api/audit?action=enrolment.refuse").json()["rows"]
    assert [entry["detail"] for entry in told] == [{"reason": "token_used", "token": newcomer.token.token_id}]
