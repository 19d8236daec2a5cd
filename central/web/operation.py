"""For those who run the centre: is it alive, and what does it do."""

from ipaddress import ip_address
from time import perf_counter

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central.db import reading
from central.errors import CentralError, NotFound
from central.web.guard import centre_of

router = APIRouter(include_in_schema=False)


class Unavailable(CentralError):
    """The database does not answer."""

    status = 503
    code = "unavailable"


class RequestMetrics:
    """Counts and times requests by route, never by address: an address may hold a person's number."""

    def __init__(self, app: ASGIApp, *, registry: CollectorRegistry) -> None:
        """Registers two metrics."""
        self._app = app
        labels = ("method", "route")
        self._answered = Counter("central_http_requests", "Requests answered.", (*labels, "status"), registry=registry)
        self._seconds = Histogram("central_http_seconds", "Time to the start of the answer.", labels, registry=registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Watch the start of the response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "(none)")
                self._answered.labels(scope["method"], route, message["status"]).inc()
                self._seconds.labels(scope["method"], route).observe(perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, send_counted)


@router.get("/healthz")
def healthz(request: Request) -> dict[str, str]:
    """Whether the database answers."""
    try:
        with reading(centre_of(request).engine).begin() as db:
            db.execute(text("SELECT 1"))
    except SQLAlchemyError:
        raise Unavailable("the database does not answer") from None
    return {"status": "ok"}


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Prometheus text for this machine only. A forwarded request is from elsewhere, whoever passed it on."""
    forwarded = any(name in request.headers for name in ("forwarded", "x-forwarded-for"))
    if forwarded or request.client is None or not _is_loopback(request.client.host):
        raise NotFound("no such page")
    registry: CollectorRegistry = request.app.state.metrics
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
