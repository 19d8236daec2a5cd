"""The two ways of a request: whatever stands at the other end, the terminal says what is wrong and takes nothing that is not proven."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from edge_agent.disk.disk import Disk
from edge_agent.enrol import carriers
from edge_agent.enrol.carriers import by_http, by_stick
from edge_agent.enrol.command import take
from edge_agent.errors import EnrolmentFailed
from scripts.stack import free_port
from tests.builders import AT
from tests.central.enrolment.terminal import planned
from tests.edge_agent.enrol.ends import PLANNED, Ends

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
FORGED = b'{"sign_public":"' + b"A" * 43 + b'","signed":"a.b.c"}'


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return Ends.new(tmp_path_factory.mktemp("centre"))


@contextmanager
def answering(*pieces: bytes, pause_s: float = 0.0) -> Iterator[str]:
    """An address where these bytes are said, whatever is asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            peer.settimeout(0.2)
            try:
                while peer.recv(65536):  # the whole request: a connection that is closed over unread bytes is reset
                    pass
            except TimeoutError:
                pass
            try:
                for piece in pieces:
                    peer.sendall(piece)
                    time.sleep(pause_s)
            except OSError:
                pass
            peer.close()

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


@pytest.mark.parametrize(
    ("pieces", "says"),
    [
        ((b"",), "is not reached"),
        ((b"\x00\xff" * 5000,), "is not reached"),
        ((b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",), "HTTP 302: is this the centre's address"),
        ((b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",), "HTTP 404"),
        ((b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",), "HTTP 500"),
        ((b"HTTP/1.1 409 Conflict\r\n\r\n{}",), "HTTP 409: is this the centre's address"),
        ((b'HTTP/1.1 409 Conflict\r\n\r\n{"message": "no\\u001b[31m\\nroom"}',), r"refused: no \[31m room"),
        ((OK, b"x" * 300_000), "longer than"),
        ((OK, b"{}"), "cannot be taken: enrolment answer: sign_public"),
        ((OK, FORGED), "names no signing key|another centre"),
    ],
)
def test_whatever_answers_in_place_of_the_centre_enrols_nobody(ends: Ends, tmp_path: Path, pieces: tuple[bytes, ...], says: str) -> None:
    with answering(*pieces) as address, pytest.raises(EnrolmentFailed, match=says):
        take(ends.token, tmp_path / "t1", by_http(ends.token.model_copy(update={"addresses": (address,)})), now=lambda: AT)
    assert not (tmp_path / "t1").exists()


def test_an_answer_that_drips_is_given_up(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "ANSWER_S", 0.3)
    with answering(OK, *[b" "] * 100, pause_s=0.05) as address, pytest.raises(EnrolmentFailed, match="takes longer than"):
        by_http(ends.token.model_copy(update={"addresses": (address,)}))(b"{}")


def test_the_second_address_is_asked_when_the_first_is_silent(ends: Ends) -> None:
    with answering(OK, b"answer") as address:
        silent = f"http://127.0.0.1:{free_port()}"
        assert by_http(ends.token.model_copy(update={"addresses": (silent, address)}))(b"{}") == b"answer"


def test_the_second_address_is_asked_when_a_proxy_bars_the_first(ends: Ends) -> None:
    with answering(b"HTTP/1.1 403 Forbidden\r\n\r\n<h1>log in</h1>") as barred, answering(OK, b"answer") as address:
        assert by_http(ends.token.model_copy(update={"addresses": (barred, address)}))(b"{}") == b"answer"


def test_without_an_address_the_stick_is_named(ends: Ends) -> None:
    with pytest.raises(EnrolmentFailed, match="--stick"):
        by_http(ends.token.model_copy(update={"addresses": ()}))(b"{}")


def test_a_stick_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnrolmentFailed, match="is no folder"):
        by_stick(tmp_path / "none", "d-1", Disk())(b"request")


def test_a_stick_that_was_used_before_is_used_again(tmp_path: Path) -> None:
    ends, stick, folder = Ends.new(tmp_path / "centre"), tmp_path / "stick", tmp_path / "t1"
    stick.mkdir()
    request, answer = stick / f"{ends.device}.request.json", stick / f"{ends.device}.answer.json"
    carry = by_stick(stick, ends.device, Disk())
    take(ends.token, folder, carry, now=lambda: AT)
    answer.write_bytes(ends.carry(request.read_bytes()))
    take(ends.token, folder, carry, now=lambda: AT)
    renewed = planned(ends.centre, PLANNED, renew=True)
    for stale in (None, b"", b"x" * 20_000):
        if stale is not None:
            request.write_bytes(stale)
            answer.write_bytes(b"of something else")
        assert take(renewed, folder, carry, replace=True, now=lambda: AT) is None
        assert not answer.exists(), "the answer of the earlier token is not taken for that of this one"
    answer.write_bytes(ends.carry(request.read_bytes()))
    request.unlink()
    assert take(renewed, folder, carry, replace=True, now=lambda: AT) is not None


def test_by_stick_the_same_terminal_is_enrolled(tmp_path: Path) -> None:
    ends, stick, folder = Ends.new(tmp_path / "centre"), tmp_path / "stick", tmp_path / "t1"
    stick.mkdir()
    carry = by_stick(stick, ends.device, Disk())
    for _ in range(2):
        assert take(ends.token, folder, carry, now=lambda: AT) is None
    (stick / f"{ends.device}.answer.json").write_bytes(ends.carry((stick / f"{ends.device}.request.json").read_bytes()))
    settings = take(ends.token, folder, carry, now=lambda: AT)
    assert settings is not None and settings.device_id == ends.device
