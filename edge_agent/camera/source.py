"""Open what a camera setting names: a network stream, a USB camera, a video file or a folder of pictures."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import SplitResult, urlsplit, urlunsplit

import cv2
import numpy as np

from contract.camera_address import URL, shown
from edge_agent.errors import SourceError
from edge_agent.ports import OpenStream, Stream
from models import picture
from models.errors import PictureRefused
from models.results import Picture

KNOCK_MS = 4000
KNOCK_BYTES = 4096
PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
OPEN_TIMEOUT_MS = 4000
READ_TIMEOUT_MS = 3000
FOLDER_INTERVAL_S = 0.2
FILE_FPS = 25.0  # of a recording that does not say its own
MAX_FPS = 240.0


def opener(source: str, *, loop: bool) -> OpenStream:
    """How to open `source`; nothing is opened yet."""
    if URL.match(source):
        return lambda: CaptureStream.live_url(source)
    if source.isdecimal():
        return lambda: CaptureStream.usb(int(source))
    return lambda: _recording(Path(source), loop=loop)


def may_hold_secrets(source: str) -> bool:
    """Whether a source is a network address with a user, password or query in it."""
    return bool(URL.match(source)) and ("@" in source or "?" in source)


def _recording(path: Path, *, loop: bool) -> Stream:
    if path.is_dir():
        return FolderStream(path, loop=loop)
    if not path.is_file():
        raise SourceError(f"{path} does not exist; name a video file or a folder of pictures")
    return CaptureStream.file(path, loop=loop)


class CaptureStream:
    """Pictures from OpenCV: network, USB or file."""

    def __init__(self, capture: cv2.VideoCapture, name: str, *, interval_s: float | None, loop: bool) -> None:
        if not capture.isOpened():
            raise SourceError(f"{name} cannot be opened as a video: it does not answer, or is no video")
        self._capture = capture
        self._interval_s = interval_s
        self._loop = loop

    @classmethod
    def live_url(cls, url: str) -> "CaptureStream":
        """RTSP or MJPEG over the network. Of the address no more than scheme and host is ever shown."""
        _knock(url)
        return cls(_ffmpeg(url), f"the network camera at {shown(url)}", interval_s=None, loop=False)

    @classmethod
    def usb(cls, index: int) -> "CaptureStream":
        """A camera of this machine."""
        return cls(cv2.VideoCapture(index), f"USB camera {index}", interval_s=None, loop=False)

    @classmethod
    def file(cls, path: Path, *, loop: bool) -> "CaptureStream":
        """A recording, in its own time."""
        capture = _ffmpeg(str(path))
        fps = capture.get(cv2.CAP_PROP_FPS)
        return cls(capture, str(path), interval_s=1 / (fps if 0 < fps <= MAX_FPS else FILE_FPS), loop=loop)

    @property
    def interval_s(self) -> float | None:
        """Seconds between pictures; None for a live source."""
        return self._interval_s

    def read(self) -> Picture | None:
        """The next picture; None at the end or when the source is lost."""
        found, frame = self._capture.read()
        if not found and self._loop:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            found, frame = self._capture.read()
        return np.ascontiguousarray(frame) if found else None

    def close(self) -> None:
        """Let go of the device or file."""
        self._capture.release()


class FolderStream:
    """The pictures of a folder by name, five a second; files that are no pictures are passed over."""

    def __init__(self, folder: Path, *, loop: bool) -> None:
        self._files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
        self._loop = loop
        self._pictures = self._run()
        if not any(_readable(path) is not None for path in self._files):
            raise SourceError(f"{folder} holds no picture that can be read")

    @property
    def interval_s(self) -> float | None:
        """Seconds between pictures."""
        return FOLDER_INTERVAL_S

    def read(self) -> Picture | None:
        """The next picture; None after the last."""
        return next(self._pictures, None)

    def close(self) -> None:
        """Nothing is held open."""

    def _run(self) -> Iterator[Picture]:
        while True:
            for path in self._files:
                if (found := _readable(path)) is not None:
                    yield found
            if not self._loop:
                return


def _readable(path: Path) -> Picture | None:
    try:
        return picture.read(path)
    except (PictureRefused, OSError):
        return None


def _knock(url: str) -> None:
    """Return when the camera sends something over a connection that is only for this. Raises SourceError.

    The library opens one source at a time in the whole process: a camera that is away must not keep it from the others, or from the next
    attempt at itself. So it is asked only for a camera that answers: RTSP at all, HTTP with the first byte of its stream or an error.
    """
    parts = urlsplit(url)
    question = f"OPTIONS {_bare(parts)} RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    if parts.scheme.lower() == "http":
        question = f"GET {urlunsplit(('', '', parts.path or '/', parts.query, ''))} HTTP/1.0\r\nHost: {parts.hostname}\r\n\r\n"
    try:
        port = parts.port or PORTS[parts.scheme.lower()]
        with socket.create_connection((parts.hostname or "", port), KNOCK_MS / 1000) as line:
            if parts.scheme.lower() in ("http", "rtsp"):  # what is encrypted is left to the library once the port answers
                line.sendall(question.encode())
                _wait_for_stream(line)
    except (OSError, ValueError) as error:
        raise SourceError(f"the network camera at {shown(url)} does not answer: {type(error).__name__}") from None


def _wait_for_stream(line: socket.socket) -> None:
    """Until the first byte after the head of a good HTTP answer, or of any other answer."""
    heard = b""
    while b"\r\n\r\n" not in heard[:-1] or heard.endswith(b"\r\n\r\n"):
        more = line.recv(KNOCK_BYTES)
        if not more:
            raise ConnectionError
        heard += more
        if not heard.startswith(b"HTTP/"[: len(heard)]) or re.match(rb"HTTP/\d\.\d [^2]", heard):
            return


def _bare(parts: SplitResult) -> str:
    """The address without user and password."""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))


def _ffmpeg(name: str) -> cv2.VideoCapture:
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS]
    return cv2.VideoCapture(name, cv2.CAP_FFMPEG, timeouts)
