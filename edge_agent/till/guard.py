"""What every request must pass before it is acted on: the right host name, the secret, a body of a stated and bounded length.

The port is on 127.0.0.1, but any web page in the terminal's browser can reach that; the host name and the secret keep it out.
"""

import hmac
import json

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = frozenset({"127.0.0.1", "localhost"})
BODILESS = frozenset({"GET", "HEAD"})

Fault = tuple[int, str, str, str]
"""Status, code, text and Chinese text of a refusal."""


class Guard:
    """ASGI middleware around the till's interface. Reads and counts bodies itself: a chunked one need not keep to its stated length."""

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
        if fault is None and scope["method"] not in BODILESS:
            body = await self._body(receive)
            receive, fault = (receive, self._too_large()) if body is None else (_again(body, receive), None)
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(send, *fault)

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body; None if it is larger than allowed, or the client went away in the middle of it."""
        body = bytearray()
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if len(body) > self._max_body_bytes:
                return None
            if not message.get("more_body", False):
                return bytes(body)
        return None

    def _too_large(self) -> Fault:
        return 413, "too_large", f"the body is larger than {self._max_body_bytes} bytes", "请求内容过大"

    def _fault(self, scope: Scope, headers: Headers) -> Fault | None:
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
            return self._too_large()
        return None

    def _knows_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token)


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body which was read already, and then what comes after it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return pending.pop() if pending else await receive()

    return next_message


async def _refuse(send: Send, status: int, code: str, text: str, text_zh: str) -> None:
    body = json.dumps({"error": code, "message": text, "message_zh": text_zh}, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
