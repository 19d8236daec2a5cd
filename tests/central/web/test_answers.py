"""Headers, limits and faults: what every answer has, whatever was asked."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from central.accounts.model import Role
from central.app import FORM_BYTES
from central.wiring import Centre
from contract.sealed import Untrusted
from tests.central.web.consoles import PSN_NO, make_finding, program, visitor

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"


def break_down() -> None:
    raise RuntimeError("secret: password of the database")


def find_changed() -> None:
    raise Untrusted("the seal does not open with this key for this purpose")


@pytest.fixture
def broken(app: FastAPI) -> FastAPI:
    app.add_api_route("/broken", break_down)
    app.add_api_route("/api/broken", break_down)
    app.add_api_route("/changed", find_changed)
    return app


@pytest.mark.parametrize(
    "path", ["/", "/login", "/nowhere", "/api/nowhere", "/api/overview", "/static/base.css", "/static/nowhere", "/broken"]
)
def test_every_answer_carries_the_headers(broken: FastAPI, path: str) -> None:
    headers = visitor(broken, Role.MONITOR).get(path).headers
    assert headers["content-security-policy"].startswith(POLICY)
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")


def test_what_breaks_inside_is_not_told(broken: FastAPI) -> None:
    browser = visitor(broken, Role.MONITOR)
    for path in ("/broken", "/api/broken"):
        answer = browser.get(path)
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
    assert "系统内部出错" in browser.get("/broken").text
    assert browser.get("/api/broken").json() == {"code": "internal", "message": "the centre's log says more"}


def test_changed_evidence_is_a_conflict(broken: FastAPI) -> None:
    answer = visitor(broken, Role.MONITOR).get("/changed")
    assert answer.status_code == 409
    assert "与封存时不一致" in answer.text


@pytest.mark.parametrize(
    "path", ["/nowhere", "/findings/x/y", "/static/../app.py", "/static/%2e%2e/app.py", "/static/%2e%2e%2fguard.py", "/docs", "/redoc"]
)
def test_what_is_not_there_is_a_readable_page(app: FastAPI, path: str) -> None:
    answer = visitor(app, Role.MONITOR).get(path)
    assert answer.status_code == 404
    assert "没有找到" in answer.text


def test_the_wrong_method(app: FastAPI) -> None:
    answer = visitor(app).put("/api/login")
    assert (answer.status_code, answer.json()["code"]) == (405, "not_allowed")
    assert answer.headers["allow"] == "POST"


def test_a_wrong_field_is_named_but_its_value_is_not_repeated(app: FastAPI) -> None:
    answer = visitor(app).post("/api/login", json={"username": "x", "password": "my-secret" * 100})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
    assert "password" in answer.json()["message"]
    assert "my-secret" not in answer.text


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[]", b'{"username": 1}', b"null"])
def test_broken_json_is_refused(app: FastAPI, body: bytes) -> None:
    assert visitor(app).post("/api/login", content=body, headers={"Content-Type": "application/json"}).status_code == 422


def test_a_body_above_the_limit_is_refused_announced_or_not(app: FastAPI) -> None:
    browser = visitor(app)

    def pieces() -> Iterator[bytes]:
        for _ in range(FORM_BYTES // 1024 + 1):
            yield b"x" * 1024

    for content in (b"x" * (FORM_BYTES + 1), pieces()):
        answer = browser.post("/api/login", content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert "content-security-policy" in answer.headers
    assert browser.post("/api/login", content=b"x" * FORM_BYTES).status_code == 422


def test_a_false_length_is_refused(app: FastAPI) -> None:
    assert visitor(app).post("/api/login", content=b"{}", headers={"Content-Length": "-1"}).status_code == 413


def test_alive_while_the_database_answers(app: FastAPI, centre: Centre) -> None:
    assert visitor(app).get("/healthz").json() == {"status": "ok"}
    centre.engine.dispose()
    (centre.settings.data_dir / "central.sqlite3").rename(centre.settings.data_dir / "away")
    (centre.settings.data_dir / "central.sqlite3").mkdir()
    answer = visitor(app).get("/healthz")
    assert answer.status_code == 503
    assert "sqlite" not in answer.text


def test_metrics_are_for_this_machine_only(app: FastAPI) -> None:
    local = TestClient(app, client=("127.0.0.1", 5000))
    local.get("/findings/JR-of-somebody", follow_redirects=False)
    text = local.get("/metrics").text
    assert 'central_http_requests_total{method="GET",route="/findings/{jr_id}",status="303"} 1.0' in text
    assert "JR-of-somebody" not in text
    assert TestClient(app, client=("::1", 5000)).get("/metrics").status_code == 200
    assert TestClient(app, client=("10.0.0.9", 5000)).get("/metrics").status_code == 404
    for header in ("X-Forwarded-For", "Forwarded"):
        assert local.get("/metrics", headers={header: "for=10.0.0.9"}).status_code == 404


def test_the_api_describes_itself(app: FastAPI) -> None:
    paths = visitor(app).get("/api/openapi.json").json()["paths"]
    assert {"/api/login", "/api/findings", "/api/findings/{jr_id}/reviews", "/api/overview", "/api/audit"} <= set(paths)
    assert all(path.startswith("/api/") for path in paths)


def test_the_overview_for_programs_names_no_person(app: FastAPI, centre: Centre) -> None:
    make_finding(centre)
    answer = program(app, Role.ADMINISTRATOR).get("/api/overview")
    found = answer.json()
    assert found["findings"]["open"] == 1
    assert [row["outcome"] for row in found["outcomes"]] == ["different"]
    assert found["sites"][0]["fixmedins_name"] == "示例大药房"
    assert set(found["ledger"]) == {"settlements", "captures", "run"}
    assert PSN_NO not in answer.text
