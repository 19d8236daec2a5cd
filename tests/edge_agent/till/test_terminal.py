"""The till's interface: what is let in, what is refused, and in which words."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from edge_agent import session as till
from edge_agent.agent import Agent
from edge_agent.errors import Conflict, NoRoom, TillError, TooManyOpen, UnknownMsgid, UnknownWindow
from edge_agent.health.metrics import Metrics
from edge_agent.till.guard import Guard
from edge_agent.till.terminal import HealthReport, till_api

TOKEN = "t" * 43
HOST = "http://127.0.0.1:8787"
START = {"msgid": "M1", "infno": "2207", "psn_no": "P1", "mdtrt_cert_type": "02", "window": "W1"}
BIND = {"msgid": "M1", "setl_id": "S1", "mdtrt_id": "V1", "setl_time": "2026-01-02 09:30:21", "medfee_sumamt": 12.5, "authNo": "A1"}
ANSWER = till.Answer(answer=till.TillAnswer.REMIND, reasons=("no_face",), text_zh="请", text_en="please")


class Clerk(Agent):
    """An agent that only notes what it was asked, or raises."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.error: Exception | None = None
        self.recorded = True
        self.noticed: list[BaseException] = []

    def start(self, start: till.Start) -> till.Answer:
        self._note(start)
        return ANSWER

    def bind(self, bind: till.Bind) -> bool:
        self._note(bind)
        return self.recorded

    def void(self, void: till.Void) -> bool:
        self._note(void)
        return self.recorded

    def _note(self, request: Any) -> None:
        if self.error is not None:
            raise self.error
        self.asked.append(request)


def report() -> HealthReport:
    return HealthReport(
        device="D-1",
        connected=False,
        backlog=3,
        open_sessions=1,
        liveness_available=False,
        gallery_version=0,
        gallery_people=0,
        cameras=(),
        problems=(),
    )


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


@pytest.fixture
def client(clerk: Clerk) -> Iterator[TestClient]:
    app = till_api(agent=clerk, health=report, metrics=Metrics(), token=TOKEN, max_body_bytes=2048, noticed=clerk.noticed.append)
    with TestClient(app, base_url=HOST, headers={"Authorization": f"Bearer {TOKEN}"}, raise_server_exceptions=False) as one:
        yield one


def fault(response: httpx.Response) -> tuple[int, str]:
    body = response.json()
    assert body.keys() == {"error", "message", "message_zh"} and body["message"] and body["message_zh"]
    return response.status_code, body["error"]


def test_start_answers_what_the_clerk_does_next(client: TestClient, clerk: Clerk) -> None:
    response = client.post("/session/start", json=START)
    assert response.json() == {"answer": "remind", "reasons": ["no_face"], "text_zh": "请", "text_en": "please"}
    assert clerk.asked == [till.Start.model_validate(START)]


def test_what_waits_for_room_is_not_called_recorded(client: TestClient, clerk: Clerk) -> None:
    clerk.recorded = False
    assert client.post("/session/bind", json=BIND).json() == {"recorded": False}
    assert client.post("/session/void", json={"setl_id": "S1"}).json() == {"recorded": False}


def test_bind_and_void_are_recorded(client: TestClient, clerk: Clerk) -> None:
    assert client.post("/session/bind", json=BIND).json() == {"recorded": True}
    assert client.post("/session/void", json={"setl_id": "S1"}).json() == {"recorded": True}
    assert clerk.asked == [till.Bind.model_validate(BIND), till.Void(setl_id="S1")]


def test_health_and_metrics_need_no_secret(client: TestClient) -> None:
    client.headers.pop("Authorization")
    assert client.get("/health").json()["backlog"] == 3
    assert b"edge_backlog_events" in client.get("/metrics").content


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer " + "é" * 9]
)
def test_without_the_secret_nothing_is_done(client: TestClient, clerk: Clerk, header: str | None) -> None:
    client.headers.pop("Authorization")
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    assert fault(client.post("/session/start", json=START, headers=headers)) == (401, "wrong_token")
    assert clerk.asked == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8787", "127.0.0.1.evil.example", "192.168.1.5:8787", ""])
def test_other_host_names_are_refused(client: TestClient, clerk: Clerk, host: str) -> None:
    assert fault(client.post("/session/start", json=START, headers={"Host": host})) == (421, "wrong_host")
    assert clerk.asked == []


def test_localhost_is_the_same(client: TestClient) -> None:
    assert client.get("/health", headers={"Host": "localhost:8787"}).status_code == 200


def test_huge_bodies_are_refused_unread(client: TestClient, clerk: Clerk) -> None:
    assert fault(client.post("/session/start", content=b"x" * 2049)) == (413, "too_large")
    assert fault(client.post("/session/start", content=iter([b"{", b"}"]))) == (411, "length_required")
    assert fault(client.post("/session/start", headers={"Content-Length": "9" * 30}, content=b"")) == (413, "too_large")
    assert clerk.asked == []


def test_a_body_that_grows_beyond_what_it_stated_is_refused(client: TestClient, clerk: Clerk) -> None:
    """As Content-Length beside Transfer-Encoding: chunked, where the server reads the chunks."""
    chunks = iter([b'{"x":"', *[b"a" * 1000] * 3, b'"}'])
    assert fault(client.post("/session/start", content=chunks, headers={"Content-Length": "10"})) == (413, "too_large")
    assert clerk.asked == []


@pytest.mark.parametrize(("field", "value"), [("setl_time", "0001-01-01 00:00:00"), ("authNo", "a\x00b"), ("outBizNo", "\ud800")])
def test_what_no_database_takes_is_refused(client: TestClient, clerk: Clerk, field: str, value: str) -> None:
    response = client.post("/session/bind", content=json.dumps(BIND | {field: value}), headers={"Content-Type": "application/json"})
    assert fault(response) == (422, "bad_field") and field in response.json()["message"]
    assert clerk.asked == []


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b"null", b'{"msgid": NaN'])
def test_what_is_no_request_is_refused(client: TestClient, body: bytes) -> None:
    status, code = fault(client.post("/session/start", content=body, headers={"Content-Type": "application/json"}))
    assert (status, code) in {(400, "bad_json"), (422, "bad_field")}


@pytest.mark.parametrize(("field", "value"), [("window", "W 1"), ("msgid", "x" * 31), ("psn_no", 5), ("psn_no", None), ("extra", 1)])
def test_a_wrong_field_is_named_but_not_its_value(client: TestClient, clerk: Clerk, field: str, value: Any) -> None:
    response = client.post("/session/start", json=START | {field: value})
    assert fault(response) == (422, "bad_field")
    assert field in response.json()["message"] and "x" * 31 not in response.text
    assert clerk.asked == []


@pytest.mark.parametrize("error", [UnknownWindow("W9"), UnknownMsgid("M9"), Conflict("M1"), TooManyOpen("9"), NoRoom("disk")])
def test_refusals_have_codes_and_both_languages(client: TestClient, clerk: Clerk, error: TillError) -> None:
    clerk.error = error
    response = client.post("/session/bind", json=BIND)
    assert fault(response) == (error.status, error.code)
    assert response.json()["message"] == str(error)


def test_a_failure_says_nothing_about_the_inside(client: TestClient, clerk: Clerk) -> None:
    clerk.error = RuntimeError("SECRET")
    response = client.post("/session/start", json=START)
    assert fault(response) == (500, "internal") and "SECRET" not in response.text
    assert clerk.noticed == [clerk.error]


@pytest.mark.parametrize(("method", "path"), [("GET", "/session/start"), ("POST", "/health"), ("GET", "/docs"), ("GET", "/openapi.json")])
def test_other_addresses_do_not_exist(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, path, content=b"" if method == "POST" else None)
    assert response.status_code in {404, 405}
    assert fault(response)[1] == "http_error"


def test_no_answer_has_room_for_a_score() -> None:
    assert till.Answer.model_fields.keys() == {"answer", "reasons", "text_zh", "text_en"}
    assert "similarity" not in json.dumps(HealthReport.model_json_schema())


def test_guard_passes_what_is_not_http() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["reached"] = True

    scope: dict[str, Any] = {"type": "lifespan"}
    coroutine = Guard(app, token=TOKEN, max_body_bytes=1, open_paths=frozenset())(scope, None, None)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert scope["reached"]
