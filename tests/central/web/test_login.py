"""Logging in and out, the session cookie, the language, changing the password."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from central.accounts import service as accounts
from central.accounts.model import FREE_FAILURES, Role
from central.app import create_app
from central.audit import service as audit
from central.settings import WebSettings
from central.web.language import inside
from central.wiring import Centre
from tests import builders
from tests.central.web.consoles import PASSWORD, USERS, app_of, csrf_of, make_console, program, visitor

MONITOR = USERS[Role.MONITOR]


def log_in(browser: TestClient, username: str = MONITOR, password: str = PASSWORD, **fields: str) -> object:
    form = {"username": username, "password": password, "csrf": csrf_of(browser.get("/login").text)}
    return browser.post("/login", data=form | fields)


def test_a_page_sends_to_the_login_and_the_login_back_to_the_page(app: FastAPI) -> None:
    browser = visitor(app)
    sent = browser.get("/findings?status=open")
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=%2Ffindings%3Fstatus%3Dopen")
    page = browser.get(sent.headers["location"]).text
    assert 'name="next" value="/findings?status=open"' in page
    response = log_in(browser, next="/findings?status=open")
    assert (response.status_code, response.headers["location"]) == (303, "/findings?status=open")
    assert browser.get("/findings?status=open").status_code == 200


def test_the_session_cookie_is_out_of_reach(app: FastAPI) -> None:
    cookie = next(value for value in log_in(visitor(app)).headers.get_list("set-cookie") if value.startswith("session="))
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


def test_behind_tls_the_cookie_is_bound_to_tls_and_host(tmp_path: Path) -> None:
    centre = make_console(tmp_path)
    web = WebSettings(secure_cookies=True)
    app = create_app(
        Centre(
            **{name: getattr(centre, name) for name in Centre.__dataclass_fields__}
            | {"settings": centre.settings.model_copy(update={"web": web})}
        )
    )
    browser = TestClient(app, base_url="https://testserver", follow_redirects=False)
    response = log_in(browser)
    cookie = next(value for value in response.headers.get_list("set-cookie") if value.startswith("__Host-session="))
    assert "Secure" in cookie.split("; ")
    assert "Domain" not in cookie
    assert response.headers["strict-transport-security"].startswith("max-age=")
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize(
    ("username", "password"),
    [(MONITOR, "wrong"), (MONITOR, ""), ("nobody", PASSWORD), ("", ""), (MONITOR, "x" * 200), ("' OR 1=1 --", "x"), ("\x00", "x")],
)
def test_a_wrong_login_says_nothing_about_what_was_wrong(app: FastAPI, username: str, password: str) -> None:
    response = log_in(visitor(app), username, password)
    assert response.status_code == 401
    assert "用户名或密码不正确" in response.text
    assert "session=" not in "".join(response.headers.get_list("set-cookie"))


def test_repeated_failures_lock_even_the_right_password_with_the_same_words(app: FastAPI) -> None:
    browser = visitor(app)
    for _ in range(FREE_FAILURES):
        wrong = log_in(browser, password="wrong")
    locked = log_in(browser)
    assert locked.status_code == 401
    strip = lambda page: page.replace(csrf_of(page), "")  # noqa: E731 - only the one-time token may differ
    assert strip(locked.text) == strip(wrong.text)


def test_a_lock_ends_with_time(tmp_path: Path) -> None:
    clock = [builders.AT]
    app = app_of(tmp_path, now=lambda: clock[0])
    browser = visitor(app)
    for _ in range(FREE_FAILURES):
        log_in(browser, password="wrong")
    clock[0] += timedelta(seconds=61)
    assert log_in(browser).status_code == 303


def test_a_session_expires(tmp_path: Path) -> None:
    clock: list[datetime] = [builders.AT]
    app = app_of(tmp_path, now=lambda: clock[0])
    browser, client = visitor(app, Role.MONITOR), program(app, Role.MONITOR)
    assert browser.get("/").status_code == 200
    clock[0] += timedelta(hours=8)
    assert browser.get("/").headers["location"].startswith("/login")
    assert client.get("/api/overview").status_code == 401


@pytest.mark.parametrize("csrf", ["", "x", "忘"])
def test_a_login_form_from_elsewhere_is_refused(app: FastAPI, csrf: str) -> None:
    browser = visitor(app)
    browser.get("/login")
    response = browser.post("/login", data={"username": MONITOR, "password": PASSWORD, "csrf": csrf})
    assert response.status_code == 403
    without_cookie = visitor(app).post("/login", data={"username": MONITOR, "password": PASSWORD, "csrf": ""})
    assert without_cookie.status_code == 403


def test_logging_out_needs_the_form_and_ends_the_session(app: FastAPI) -> None:
    browser = visitor(app, Role.MONITOR)
    token = browser.cookies["session"]
    assert browser.post("/logout").status_code == 403
    assert browser.get("/").status_code == 200
    left = browser.post("/logout", data={"csrf": csrf_of(browser.get("/").text)})
    assert left.headers["location"] == "/login"
    browser.cookies.set("session", token)
    assert browser.get("/").status_code == 303, "the token itself is dead, not only the cookie"


@pytest.mark.parametrize(
    "address", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)", "", "findings", "/a\nb"]
)
def test_no_address_leads_out_of_the_console(app: FastAPI, address: str) -> None:
    assert inside(address) == "/"
    assert visitor(app).get("/language/en", params={"back": address}).headers["location"] == "/"


def test_the_language_is_chinese_until_chosen(app: FastAPI) -> None:
    browser = visitor(app)
    assert '<html lang="zh-CN">' in browser.get("/login").text
    chosen = browser.get("/language/en", params={"back": "/login?next=%2Faudit"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/login?next=%2Faudit")
    page = browser.get("/login").text
    assert '<html lang="en">' in page
    assert "Username" in page
    assert "用户名" not in page
    browser.get("/language/zh")
    assert "用户名" in browser.get("/login").text
    assert browser.get("/language/fr").status_code == 422


@pytest.fixture
def own(app: FastAPI) -> Iterator[TestClient]:
    with visitor(app) as browser:
        assert log_in(browser).status_code == 303
        yield browser


def change(browser: TestClient, **fields: str) -> object:
    form = {
        "csrf": csrf_of(browser.get("/account").text),
        "current": PASSWORD,
        "new": "five brown horses run",
        "again": "five brown horses run",
    }
    return browser.post("/account/password", data=form | fields)


def test_changing_the_password(own: TestClient, app: FastAPI) -> None:
    other = visitor(app)
    log_in(other)
    assert change(own).headers["location"] == "/account?changed=true"
    assert own.get("/").status_code == 200
    assert other.get("/").status_code == 303, "sessions elsewhere have ended"
    assert log_in(visitor(app)).status_code == 401
    assert log_in(visitor(app), password="five brown horses run").status_code == 303


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"current": "wrong"}, "当前密码不正确"),
        ({"again": "five brown horses ran"}, "两次输入的新密码不一致"),
        ({"new": "short", "again": "short"}, "新密码太弱"),
        ({"new": f"{MONITOR}-1234567", "again": f"{MONITOR}-1234567"}, "新密码太弱"),
    ],
)
def test_a_password_is_not_changed_when_something_is_wrong(own: TestClient, app: FastAPI, fields: dict[str, str], says: str) -> None:
    response = change(own, **fields)
    assert response.status_code in (400, 422)
    assert says in response.text
    assert log_in(visitor(app)).status_code == 303, "the old one still holds"


def test_the_own_password_cannot_be_guessed_from_a_stolen_session(own: TestClient) -> None:
    for _ in range(FREE_FAILURES):
        change(own, current="wrong")
    assert "账户暂时锁定" in change(own).text


def test_a_given_password_must_be_changed_before_anything_else(app: FastAPI, centre: Centre) -> None:
    chief = visitor(app, Role.ADMINISTRATOR)
    added = chief.post("/accounts", data={"csrf": csrf_of(chief.get("/accounts").text), "username": "chen", "role": "auditor"})
    password = added.text.split('class="secret">', 1)[1].split("<", 1)[0]
    browser = visitor(app)
    assert log_in(browser, "chen", password).status_code == 303
    for path in ("/", "/findings", "/audit"):
        assert browser.get(path).headers["location"] == "/account"
    token = browser.cookies["session"]
    refused = visitor(app).get("/api/audit", headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "must_change_password")
    assert change(browser, current=password).status_code == 303
    assert browser.get("/audit").status_code == 200
    with centre.engine.begin() as db:
        assert [row.action for row in audit.entries(db, actor="chen").rows] == ["account.change_password", "session.begin"]


def test_a_disabled_account_is_out_at_once(app: FastAPI, own: TestClient) -> None:
    chief = visitor(app, Role.ADMINISTRATOR)
    csrf = csrf_of(chief.get("/accounts").text)
    assert chief.post(f"/accounts/{MONITOR}/disable", data={"csrf": csrf}).status_code == 303
    assert own.get("/").status_code == 303
    assert log_in(visitor(app)).status_code == 401
    assert chief.post(f"/accounts/{MONITOR}/enable", data={"csrf": csrf}).status_code == 303
    assert log_in(visitor(app)).status_code == 303


@pytest.mark.parametrize(("path", "status"), [(f"/accounts/{USERS[Role.ADMINISTRATOR]}/disable", 409), ("/accounts/nobody/disable", 404)])
def test_accounts_that_cannot_be_disabled(app: FastAPI, path: str, status: int) -> None:
    chief = visitor(app, Role.ADMINISTRATOR)
    assert chief.post(path, data={"csrf": csrf_of(chief.get("/accounts").text)}).status_code == status


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"username": MONITOR}, 409, "用户名已存在"),
        ({"username": "Chief <b>"}, 400, "用户名不符合规则"),
        ({"role": "emperor"}, 422, "输入有误"),
    ],
)
def test_accounts_that_cannot_be_added(app: FastAPI, fields: dict[str, str], status: int, says: str) -> None:
    chief = visitor(app, Role.ADMINISTRATOR)
    form = {"csrf": csrf_of(chief.get("/accounts").text), "username": "chen", "role": "monitor"}
    response = chief.post("/accounts", data=form | fields)
    assert response.status_code == status
    assert says in response.text
    assert "secret" not in response.text


def test_a_program_logs_in_and_out_by_token(app: FastAPI, centre: Centre) -> None:
    client = visitor(app)
    wrong = client.post("/api/login", json={"username": MONITOR, "password": "wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "login_refused")
    session = client.post("/api/login", json={"username": MONITOR, "password": PASSWORD}).json()
    assert session["role"] == "monitor"
    bearer = {"Authorization": f"Bearer {session['token']}"}
    assert client.get("/api/overview", headers=bearer).status_code == 200
    assert client.post("/api/logout", headers=bearer).status_code == 204
    assert client.get("/api/overview", headers=bearer).status_code == 401
    with centre.engine.begin() as db:
        actions = [row.action for row in audit.entries(db, actor=MONITOR).rows]
    assert actions == ["session.end", "session.begin", "session.refuse"]


def test_a_program_adds_an_account(app: FastAPI, centre: Centre) -> None:
    chief = program(app, Role.ADMINISTRATOR)
    body = {"username": "chen", "role": "auditor", "password": "seven grey geese fly"}
    assert chief.post("/api/accounts", json=body).status_code == 201
    assert chief.post("/api/accounts", json=body).json()["code"] == "username_taken"
    assert chief.post("/api/accounts", json=body | {"username": "fang", "password": "weak"}).json()["code"] == "weak_password"
    names = [account["username"] for account in chief.get("/api/accounts").json()]
    assert names == ["chen", *sorted(USERS.values())]
    assert "password" not in chief.get("/api/accounts").text.replace("must_change_password", "")
    with centre.engine.begin() as db:
        assert accounts.every(db)[0].must_change_password
