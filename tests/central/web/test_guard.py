"""No route without a guard; every role sees what it should and nothing else."""

from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from central.accounts.model import Role
from central.app import ROUTERS
from tests.central.web.consoles import csrf_of, program, visitor

PUBLIC = {"/login", "/language/{language}", "/healthz", "/metrics", "/api/login", "/api/enrolment"}
"""Enrolment is opened by a one-time token in the request itself, which `central.enrolment` checks."""
ADMINISTRATOR, MONITOR, AUDITOR, EXAMINER = Role.ADMINISTRATOR, Role.MONITOR, Role.AUDITOR, Role.EXAMINER
READ = {
    "/": {ADMINISTRATOR, MONITOR, AUDITOR, EXAMINER},
    "/account": set(Role),
    "/accounts": {ADMINISTRATOR},
    "/findings": {MONITOR, AUDITOR, EXAMINER},
    "/findings/none": {MONITOR, AUDITOR, EXAMINER},
    "/pictures/none?finding=none": {MONITOR, AUDITOR, EXAMINER},
    "/findings/none/evidence": {MONITOR, AUDITOR, EXAMINER},
    "/findings/groups": {MONITOR, AUDITOR, EXAMINER},
    "/indicators": {MONITOR, AUDITOR, EXAMINER},
    "/indicators.csv": {MONITOR, AUDITOR, EXAMINER},
    "/indicators/institution/none": {MONITOR, AUDITOR, EXAMINER},
    "/api/indicators": {MONITOR, AUDITOR, EXAMINER},
    "/rules": {MONITOR, AUDITOR},
    "/rules/none": {MONITOR, AUDITOR},
    "/samples/1": {MONITOR, AUDITOR},
    "/api/rules": {MONITOR, AUDITOR},
    "/audit": {AUDITOR},
    "/audit/chain": {AUDITOR},
    "/imports": {ADMINISTRATOR, MONITOR, AUDITOR},
    "/imports/1/faults.csv": {ADMINISTRATOR, MONITOR, AUDITOR},
    "/api/imports": {ADMINISTRATOR, MONITOR, AUDITOR},
    "/api/imports/1": {ADMINISTRATOR, MONITOR, AUDITOR},
    "/api/overview": {ADMINISTRATOR, MONITOR, AUDITOR, EXAMINER},
    "/api/accounts": {ADMINISTRATOR},
    "/api/findings": {MONITOR, AUDITOR, EXAMINER},
    "/api/findings/none": {MONITOR, AUDITOR, EXAMINER},
    "/api/audit": {AUDITOR},
    "/api/audit/chain": {AUDITOR},
}
CHANGE = {
    "/accounts": {ADMINISTRATOR},
    "/accounts/nobody/disable": {ADMINISTRATOR},
    "/accounts/nobody/enable": {ADMINISTRATOR},
    "/accounts/nobody/password": {ADMINISTRATOR},
    "/findings/none/reviews": {MONITOR},
    "/findings/none/package": {MONITOR, AUDITOR},
    "/findings/none/stamps": {EXAMINER},
    "/findings/none/replay": {MONITOR, AUDITOR},
    "/findings/none/holds": {MONITOR, AUDITOR},
    "/findings/none/holds/1": {MONITOR, AUDITOR},
    "/rules/none/changes": {MONITOR},
    "/rules/none/changes/1": {MONITOR},
    "/rules/none/stage": {MONITOR},
    "/rules/none/trials": {MONITOR},
    "/rules/none/snoozes": {MONITOR},
    "/samples": {MONITOR},
    "/samples/1/items/1": {MONITOR},
}
API_CHANGE = {
    "/api/accounts": {ADMINISTRATOR},
    "/api/findings/none/reviews": {MONITOR},
    "/api/findings/none/package": {MONITOR, AUDITOR},
    "/api/findings/none/stamps": {EXAMINER},
    "/api/data/claims": {Role.SOURCE},
    "/api/rules/none/changes": {MONITOR},
    "/api/rules/changes/1/approve": {MONITOR},
    "/api/holds": {MONITOR, AUDITOR},
    "/api/holds/1/confirm": {MONITOR, AUDITOR},
}


def guarded() -> list[tuple[str, str]]:
    """(method, path) of every route that is not public, from the application's own list."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return [(method, route.path) for route in routes if route.path not in PUBLIC for method in sorted(route.methods)]


def ask(browser: TestClient, method: str, path: str, **sent: object) -> int:
    return browser.request(method, path.replace("{", "").replace("}", ""), **sent).status_code


def test_the_routes_are_found() -> None:
    assert len(guarded()) >= 20


def test_without_a_session_nothing_is_answered(app: FastAPI) -> None:
    stranger = visitor(app)
    for method, path in guarded():
        assert ask(stranger, method, path) == (401 if path.startswith("/api/") else 303), (method, path)


def test_a_false_token_opens_nothing(app: FastAPI) -> None:
    stranger = visitor(app)
    stranger.cookies.set("session", "x" * 43)
    for method, path in guarded():
        status = ask(stranger, method, path, headers={"Authorization": b"Bearer \xff\xfe"} if path.startswith("/api/") else {})
        assert status == (401 if path.startswith("/api/") else 303), (method, path)


@pytest.mark.parametrize("role", Role)
def test_who_may_read_what(app: FastAPI, role: Role) -> None:
    browser = visitor(app, role)
    for path, allowed in READ.items():
        assert (browser.get(path).status_code != 403) == (role in allowed), path


@pytest.mark.parametrize("role", Role)
def test_who_may_change_what(app: FastAPI, role: Role) -> None:
    browser, client = visitor(app, role), program(app, role)
    csrf = csrf_of(browser.get("/account").text)
    for path, allowed in CHANGE.items():
        assert (browser.post(path, data={"csrf": csrf, "username": "a", "role": "monitor"}).status_code != 403) == (role in allowed), path
    for path, allowed in API_CHANGE.items():
        body = {"username": "a", "role": "monitor", "password": "x", "verdict": "confirm", "reason": "x"}
        assert (client.post(path, json=body).status_code != 403) == (role in allowed), path


def test_every_form_needs_its_token(app: FastAPI) -> None:
    for role in Role:
        browser = visitor(app, role)
        other = csrf_of(visitor(app, role).get("/account").text)
        for path, allowed in CHANGE.items():
            for csrf in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": other}):
                if role in allowed:
                    form = {"username": "fang", "role": "monitor", "verdict": "confirm", "reason": "x"} | csrf
                    assert browser.post(path, data=form).status_code == 403, (path, csrf)


def test_a_cookie_alone_changes_nothing_over_the_api(app: FastAPI) -> None:
    for role in Role:
        browser = visitor(app, role)
        for path in (*API_CHANGE, "/api/logout"):
            assert browser.post(path, json={}).status_code == 401, path


def test_a_part_of_a_page_sends_the_whole_window_to_the_login(app: FastAPI) -> None:
    answer = visitor(app).get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.text) == (200, "/login?next=%2F", "")


@pytest.mark.parametrize(
    ("shown", "back"),
    [
        ("http://testserver/findings?status=open&page=2", "/findings?status=open&page=2"),
        ("/findings", "/findings"),
        ("http://elsewhere.example/findings", "/findings"),
        ("", "/runs/stream?known=7"),
        ("http://testserver", "/runs/stream?known=7"),
        ("http://[", "/runs/stream?known=7"),
    ],
)
def test_the_login_leads_back_to_the_page_and_not_to_a_part_of_it(app: FastAPI, shown: str, back: str) -> None:
    answer = visitor(app).get("/runs/stream?known=7", headers={"HX-Request": "true", "HX-Current-URL": shown})
    assert answer.headers["HX-Redirect"] == f"/login?next={quote(back, safe='')}"
    plain = visitor(app).get("/runs/stream?known=7", headers={"HX-Current-URL": shown})
    assert plain.headers["Location"] == f"/login?next={quote('/runs/stream?known=7', safe='')}"
