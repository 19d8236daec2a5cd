"""The local interface for the settlement software, on 127.0.0.1 only.

POST /session/start, /session/bind, /session/manual and /session/void need the token; GET /health and /metrics are for whoever keeps the
terminal running.
No answer ever holds a score.
"""

import traceback
from collections.abc import Callable
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from contract.state import CameraState, Problem
from edge_agent.agent import Agent
from edge_agent.errors import TillError
from edge_agent.health.metrics import Metrics
from edge_agent.health.soundness import Noticed
from edge_agent.judging.trial import Agreement
from edge_agent.session import Answer, Bind, ByHand, Start, Void
from edge_agent.till.guard import Guard

log = structlog.get_logger(__name__)

OPEN_PATHS = frozenset({"/health", "/metrics"})


class Done(BaseModel):
    """The reply to bind and void. Not `recorded` while the disk is full: it is held in memory and written as soon as there is room."""

    recorded: bool


class HealthReport(BaseModel):
    """How the agent is now. `connected` is about the broker; without it everything works and waits."""

    device: str
    connected: bool
    backlog: int
    open_sessions: int
    liveness_available: bool
    gallery_version: int
    gallery_people: int
    cameras: tuple[CameraState, ...]
    problems: tuple[Problem, ...]
    trial: Agreement | None = None
    """Of the network on trial, if there is one."""


def till_api(
    *,
    agent: Agent,
    health: Callable[[], HealthReport],
    metrics: Metrics,
    token: str,
    max_body_bytes: int,
    noticed: Noticed = lambda _: None,
) -> FastAPI:
    """The application; it opens no port. `noticed` is shown what broke a request."""
    app = FastAPI(title="Settlement window agent", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, token=token, max_body_bytes=max_body_bytes, open_paths=OPEN_PATHS)
    app.add_exception_handler(TillError, _till_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _broken(noticed))

    @app.post("/session/start")
    def start(request: Start) -> Answer:
        """A settlement begins: pass, remind or manual."""
        return agent.start(request)

    @app.post("/session/bind")
    def bind(request: Bind) -> Done:
        """The national reply arrived."""
        return Done(recorded=agent.bind(request))

    @app.post("/session/manual")
    def manual(request: ByHand) -> Done:
        """The clerk verified by hand who stands at the window."""
        return Done(recorded=agent.by_hand(request))

    @app.post("/session/void")
    def void(request: Void) -> Done:
        """The settlement was reversed."""
        return Done(recorded=agent.void(request))

    @app.get("/health")
    def report() -> HealthReport:
        """Cameras, backlog and problems now."""
        return health()

    @app.get("/metrics")
    def counters() -> Response:
        """Counters and the state of the self-checks for Prometheus."""
        health()
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


def _till_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TillError)  # noqa: S101 - registered for it alone
    return _answer(error.status, error.code, str(error), error.text_zh)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """Name the first wrong field, never its value: it may be personal."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first: dict[str, Any] = error.errors()[0]
    if first["type"] == "json_invalid":
        return _answer(400, "bad_json", "the body is not JSON", "请求内容不是有效的 JSON")
    field = ".".join(str(step) for step in first["loc"] if step != "body") or "body"
    return _answer(422, "bad_field", f"{field}: {first['msg']}", f"字段 {field} 无效")


def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    return _answer(error.status_code, "http_error", str(error.detail), "请求的地址或方法不存在")


def _broken(noticed: Noticed) -> Callable[[Request, Exception], JSONResponse]:
    def answer(request: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", path=request.url.path, why=type(error).__name__, at=traceback.format_tb(error.__traceback__)[-1])
        noticed(error)
        return _answer(
            500, "internal", "the agent failed; the settlement may go on, and the failure was recorded", "内部错误；结算不受影响"
        )

    return answer


def _answer(status: int, code: str, text: str, text_zh: str) -> JSONResponse:
    return JSONResponse({"error": code, "message": text, "message_zh": text_zh}, status_code=status)
