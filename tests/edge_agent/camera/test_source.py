"""Opening what a camera setting names, good and bad."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import cv2
import numpy as np
import pytest

from contract.camera_address import shown
from edge_agent.camera import source
from edge_agent.camera.source import FOLDER_INTERVAL_S, opener
from edge_agent.errors import SourceError
from models.results import Picture

SIZE = (64, 48)


def picture(grey: int) -> Picture:
    return np.full((SIZE[1], SIZE[0], 3), grey, np.uint8)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, SIZE)
    for grey in (20, 120, 220):
        writer.write(picture(grey))
    writer.release()
    return path


def greys(source: str, count: int, *, loop: bool) -> list[int]:
    stream = opener(source, loop=loop)()
    found = [round(float(frame.mean()), -1) for _ in range(count) if (frame := stream.read()) is not None]
    stream.close()
    return [int(grey) for grey in found]


def test_a_video_ends_or_begins_again(video: Path) -> None:
    assert greys(str(video), 7, loop=False) == [20, 120, 220]
    assert greys(str(video), 7, loop=True) == [20, 120, 220, 20, 120, 220, 20]
    assert opener(str(video), loop=False)().interval_s == pytest.approx(1 / 20)


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    for name, grey in (("b.png", 100), ("a.jpg", 20), ("c.png", 200)):
        cv2.imwrite(str(tmp_path / name), picture(grey))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert greys(str(tmp_path), 9, loop=False) == [20, 100, 200]
    assert greys(str(tmp_path), 4, loop=True) == [20, 100, 200, 20]
    assert opener(str(tmp_path), loop=False)().interval_s == FOLDER_INTERVAL_S


@pytest.mark.parametrize("content", [b"", b"\x00" * 5000, b"RIFF" + b"\x00" * 100], ids=["zero bytes", "zeros", "torn header"])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mkv"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"clip\.mkv"):
        opener(str(path), loop=False)()


def test_a_torn_video_gives_what_it_holds(video: Path) -> None:
    data = video.read_bytes()
    video.write_bytes(data[: data.rindex(b"00dc") - 8])
    assert 0 < len(greys(str(video), 9, loop=False)) <= 3


def test_missing_and_empty_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        opener(str(tmp_path / "none.mkv"), loop=False)()
    with pytest.raises(SourceError, match="no picture"):
        opener(str(tmp_path), loop=True)()
    with pytest.raises(SourceError, match="USB camera 99"):
        opener("99", loop=False)()


def test_an_address_is_refused_without_its_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError) as caught:
        opener("http://user:SECRET@127.0.0.1:1/SECRET?token=SECRET", loop=False)()
    assert "http://127.0.0.1 does not answer" in str(caught.value)
    assert "SECRET" not in str(caught.value) + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("rtsp://camera.example:554/stream1", "rtsp://camera.example"),
        ("RTSPS://u:p@camera.example/x?y=z", "RTSPS://camera.example"),
        ("rtsp://u:p@[fe80::1]:554/x", "rtsp://[fe80::1]"),
        ("http://camera?token=SECRET", "http://camera"),
        ("rtsp://u:SE@CRET@camera/x", "rtsp://"),
        ("rtsp://u:p/SECRET@camera/x", "rtsp://"),
        ("rtsp://u:p?SECRET@camera/x", "rtsp://"),
        ("http://camera/x?mail=a@SECRET", "http://"),
        ("rtsp://user_SECRET", "rtsp://"),
        ("0", "0"),
        ("clips/a.mkv", "clips/a.mkv"),
    ],
)
def test_of_an_address_only_scheme_and_host_are_shown(url: str, said: str) -> None:
    assert shown(url) == said


@contextmanager
def answering(*parts: bytes) -> Iterator[int]:
    """A server on a port of loopback that answers every connection with these parts and then is silent."""
    over = Event()

    def serve(server: socket.socket) -> None:
        while not over.is_set():
            try:
                line, _ = server.accept()
            except OSError:  # the test is over
                return
            line.recv(1000)
            for part in parts:
                line.sendall(part)
            held.append(line)

    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        over.set()
    for line in held:
        line.close()


@pytest.mark.parametrize(
    ("scheme", "parts", "opened"),
    [
        ("http", [], False),
        ("http", [b"HTTP/1.0 200 OK\r\n", b"Content-Type: multipart/x-mixed-replace\r\n\r\n"], False),
        ("http", [b"HTTP/1.0 200 OK\r\nA: b\r\n", b"\r\n--frame"], True),
        ("http", [b"HTTP/1.1 401 Unauthorized\r\n"], True),
        ("rtsp", [], False),
        ("rtsp", [b"RTSP/1.0 200 OK\r\n"], True),
    ],
)
def test_the_library_is_asked_only_for_a_camera_that_answers(
    monkeypatch: pytest.MonkeyPatch, scheme: str, parts: list[bytes], opened: bool
) -> None:
    asked: list[str] = []

    def ask(url: str) -> cv2.VideoCapture:
        asked.append(url)
        return cv2.VideoCapture()

    monkeypatch.setattr(source, "KNOCK_MS", 300)
    monkeypatch.setattr(source, "_ffmpeg", ask)
    with answering(*parts) as port, pytest.raises(SourceError, match=r"127\.0\.0\.1"):
        source.opener(f"{scheme}://user:secret@127.0.0.1:{port}/stream?x=1", loop=False)()
    assert bool(asked) is opened


def test_a_camera_that_is_away_is_said_to_be_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SourceError) as told:
        source.opener(f"rtsp://user:secret@127.0.0.1:{port}/1", loop=False)()
    assert "secret" not in str(told.value) and "does not answer" in str(told.value)
