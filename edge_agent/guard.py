"""What every request must pass before it is read: the right host name, a known length, the secret.

The port is on 127.0.0.1, but any web page in the terminal's browser can reach that; the host name and the secret keep it out.
"""

import hmac
import json

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

HOSTS = frozenset({"127.0.0.1", "localhost"})
BODILESS = frozenset({"GET", "HEAD"})


class Guard:
    """ASGI middleware around the till's interface. The server cuts bodies at their stated length."""

    def __init__(self, app: ASGIApp, *, token: str, max_body_bytes: int, open_paths: frozenset[str]) -> None:
        self._app = app
        self._token = token.encode()
        self._max_body_bytes = max_body_bytes
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with what is wrong."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fault = self._fault(scope, Headers(scope=scope))
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(send, *fault)

    def _fault(self, scope: Scope, headers: Headers) -> tuple[int, str, str, str] | None:
        if headers.get("host", "").rpartition(":")[0] not in HOSTS and headers.get("host") not in HOSTS:
            return 421, "wrong_host", "only requests to 127.0.0.1 are answered", "只接受本机请求"
        if scope["path"] not in self._open_paths and not self._knows_token(headers):
            return 401, "wrong_token", "send the token of this terminal as Authorization: Bearer ...", "令牌缺失或错误"
        if scope["method"] in BODILESS:
            return None
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return 411, "length_required", "state Content-Length", "缺少 Content-Length"
        if len(length) > 9 or int(length) > self._max_body_bytes:
            return 413, "too_large", f"the body is larger than {self._max_body_bytes} bytes", "请求内容过大"
        return None

    def _knows_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token)


async def _refuse(send: Send, status: int, code: str, text: str, text_zh: str) -> None:
    body = json.dumps({"error": code, "message": text, "message_zh": text_zh}, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
