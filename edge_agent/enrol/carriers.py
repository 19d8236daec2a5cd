"""Two ways for the same two messages: HTTP, and files on a stick. Neither is trusted with anything."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from contract.enrolment import MAX_ANSWER, MAX_REQUEST, Token, read_envelope
from contract.message import MalformedMessage
from edge_agent.disk.disk import Disk
from edge_agent.errors import EnrolmentFailed

PATH = "/api/enrolment"
TOKEN_FILE = "token.txt"  # noqa: S105 - the name of a file on a stick
WAIT_S = 10.0  # for a connection, and between two pieces of an answer
ANSWER_S = 30.0
PIECE = 16 * 1024

Carrier = Callable[[bytes], bytes | None]
"""Carries a request and gives the answer; None where it is still on its way."""


def by_http(token: Token) -> Carrier:
    """Ask the addresses of the token one after the other. Raises EnrolmentFailed with what each of them said."""

    def carry(request: bytes) -> bytes:
        if not token.addresses:
            raise EnrolmentFailed("this token names no address of the centre: carry the request on a stick (--stick FOLDER)")
        tried: list[str] = []
        for address in token.addresses:
            try:
                return _ask(address, request)
            except (OSError, HTTPException, ValueError) as error:
                tried.append(f"{address} ({getattr(error, 'reason', None) or error})")
        raise EnrolmentFailed(
            f"the centre is not reached at {'; '.join(tried)}. Look at the line and the firewall and give the same command again; what was "
            "made is kept. Without a line: --stick FOLDER"
        )

    return carry


def _ask(address: str, request: bytes) -> bytes:
    asked = urllib.request.Request(address.rstrip("/") + PATH, data=request, headers={"Content-Type": "application/json"})  # noqa: S310 - http(s) only: Address
    try:
        with _opener().open(asked, timeout=WAIT_S) as answer:
            return _read(answer.read1)
    except urllib.error.HTTPError as error:
        words = None if error.code in {301, 302, 303, 307, 308, 404, 405} or error.code >= 500 else _said(_read(error.read1))
        if words is None:  # somebody on the way, as a proxy that wants a login
            raise OSError(f"it answers with HTTP {error.code}: is this the centre's address?") from None
        raise EnrolmentFailed(f"the centre refused: {words}") from None


def _opener() -> urllib.request.OpenerDirector:
    """Follows no redirection. Certificates are not checked: the messages prove themselves, and a shop cannot know a centre's authority."""
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=unchecked), _NoRedirect)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Leads nowhere."""


def _read(read: Callable[[int], bytes]) -> bytes:
    """The whole body, unless it is too long or comes too slowly."""
    until_s, body = time.monotonic() + ANSWER_S, bytearray()
    while piece := read(PIECE):
        body += piece
        if len(body) > MAX_ANSWER or time.monotonic() > until_s:
            raise OSError(f"its answer is longer than {MAX_ANSWER} bytes or takes longer than {ANSWER_S:.0f} s")
    return bytes(body)


def _said(body: bytes) -> str | None:
    """The centre's own words, as text that can be shown; None for what the centre would not say."""
    try:
        words = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return None
    return "".join(sign if sign.isprintable() else " " for sign in words)[:500]


def by_stick(stick: Path, device: str, disk: Disk) -> Carrier:
    """Lay the request on the stick, or take the answer that came back on it. Raises EnrolmentFailed for a stick that is not there."""
    request_file, answer_file = stick / f"{device}.request.json", stick / f"{device}.answer.json"

    def carry(request: bytes) -> bytes | None:
        if not stick.is_dir():
            raise EnrolmentFailed(f"{stick} is no folder: put the stick in and name its folder")
        if answer_file.is_file():
            if _is_of_the_same(request_file, request):
                return _begin_of(answer_file, MAX_ANSWER)
            disk.remove(answer_file)
        disk.write_durably(request_file, request)
        return None

    return carry


def _is_of_the_same(request_file: Path, request: bytes) -> bool:
    """Whether the request that was answered was made for this token and with these keys: a stick may have been on the way before."""
    try:
        ours, carried = read_envelope(request), read_envelope(_begin_of(request_file, MAX_REQUEST))
    except FileNotFoundError:  # the answer alone was brought, and proves itself
        return True
    except MalformedMessage:
        return False
    return (ours.token_id, ours.sign_public) == (carried.token_id, carried.sign_public)


def _begin_of(path: Path, limit: int) -> bytes:
    """The file, and one byte more than allowed of one that is longer."""
    with path.open("rb") as file:
        return file.read(limit + 1)


def request_on(stick: Path, device: str) -> Path:
    """Where the request lies on a stick."""
    return stick / f"{device}.request.json"
