"""Moving views made from still pictures, served as MJPEG cameras on loopback: what stands before the windows of demo and tests.

A made view is no field recording: a face that moves, breathes in brightness and carries sensor noise before a still background.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
WIDTH, HEIGHT, FPS = 640, 480, 12
_FACE_HEIGHT = 130.0
_BOUNDARY = "frame"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Visitor:
    """A person's picture, cut so that the face (x, y, width, height in the cut) is known; `at_edge` shows it half outside the view."""

    picture: Picture
    face: tuple[float, float, float, float]
    at_edge: bool = False


def background(seed: int) -> Picture:
    """A still shop interior: soft light, shelves, a counter."""
    maker = np.random.default_rng(seed)
    view = np.linspace(150, 110, HEIGHT)[:, None, None] + np.linspace(-12, 12, WIDTH)[None, :, None] + np.zeros((1, 1, 3))
    for _ in range(24):
        x, y = int(maker.integers(0, WIDTH - 70)), int(maker.integers(20, 260))
        view[y : y + int(maker.integers(20, 60)), x : x + int(maker.integers(20, 70))] = maker.integers(70, 190, 3)
    view[400:] = (70, 90, 110)
    soft: Picture = cv2.GaussianBlur(np.clip(view, 0, 255).astype(np.uint8), (9, 9), 0)
    return soft


def cut(picture: Picture, face: tuple[float, float, float, float], *, tilt: float = 0.0, at_edge: bool = False) -> Visitor:
    """Cut a picture to head and shoulders around a face box (x, y, width, height); a head tilted by `tilt` degrees is set upright."""
    x, y, width, height = face
    if tilt:
        turn = cv2.getRotationMatrix2D((x + width / 2, y + height / 2), tilt, 1)
        picture = cv2.warpAffine(picture, turn, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    top, bottom = max(0, int(y - 0.6 * height)), min(picture.shape[0], int(y + 1.9 * height))
    left = 0 if at_edge else max(0, int(x - 0.8 * width))
    right = min(picture.shape[1], int(x + 1.8 * width))
    return Visitor(picture=picture[top:bottom, left:right].copy(), face=(x - left, y - top, width, height), at_edge=at_edge)


def render(empty: Picture, visitor: Visitor | None, moment: float, noise: np.random.Generator) -> Picture:
    """The view at `moment` seconds: a person sways by some pixels, grows and shrinks by 3 %, and the light breathes by 4 %."""
    view = empty.astype(np.float32)
    if visitor is not None:
        _place(view, visitor, moment)
        view *= 1 + 0.04 * np.sin(moment * 1.7)
    view += noise.normal(0, 1.5, (HEIGHT, WIDTH, 1)).astype(np.float32)
    return np.clip(view, 0, 255).astype(np.uint8)


def _place(view: NDArray[np.float32], visitor: Visitor, moment: float) -> None:
    scale = _FACE_HEIGHT / visitor.face[3] * (1 + 0.03 * np.sin(moment * 0.9))
    x, y, width, height = (value * scale for value in visitor.face)
    left = 0.0 if visitor.at_edge else WIDTH / 2 - x - width / 2 + 9 * np.sin(moment * 1.3)
    top = 190 - y - height / 2 + 5 * np.sin(moment * 1.9 + 1)
    move = np.array([[scale, 0, left], [0, scale, top]], np.float32)
    size = (WIDTH, HEIGHT)
    person = cv2.warpAffine(visitor.picture, move, size, flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    mask = cv2.warpAffine(np.full(visitor.picture.shape[:2], 255, np.uint8), move, size)
    share = cv2.GaussianBlur(mask, (7, 7), 0).astype(np.float32)[..., None] / 255
    view *= 1 - share
    view += person.astype(np.float32) * share


class Cameras:
    """MJPEG cameras by name; `show` changes what stands before one of them."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """Serve on a free port of loopback."""
        self._empty = {name: background(seed) for seed, name in enumerate(names)}
        self._visitors: dict[str, Visitor | None] = dict.fromkeys(names)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        # A thread inside OpenCV must not outlive the interpreter, which would end the process with an abort: leaving waits for each.
        self._server.daemon_threads = False
        self._over = threading.Event()

    def url(self, name: str) -> str:
        """The camera's address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/{name}.mjpeg"

    def show(self, name: str, visitor: Visitor | None) -> None:
        """Let a person step before the camera, or nobody."""
        self._visitors[name] = visitor

    def frames(self, name: str) -> Iterator[bytes]:
        """JPEG frames at the camera's rate, until the camera stops serving."""
        # Without a seed: the grain of a sensor never comes again, nor for a second viewer.
        noise, start = np.random.default_rng(), time.monotonic()
        for number in range(1 << 31):
            view = render(self._empty[name], self._visitors[name], number / FPS, noise)
            yield cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
            if self._over.wait(max(0.0, start + number / FPS - time.monotonic())):
                return

    def __enter__(self) -> Self:
        """Start serving."""
        threading.Thread(target=self._server.serve_forever, name="cameras", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop serving, and wait for the last frame to be sent."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        frames: Callable[[str], Iterator[bytes]] = self.frames
        known = self._visitors

        class Handler(BaseHTTPRequestHandler):
            timeout = 5
            """Seconds without a byte being taken after which a viewer is gone."""

            def do_GET(self) -> None:
                """Stream the camera named by the path until the viewer goes away; 404 for any other path."""
                name = self.path.strip("/").removesuffix(".mjpeg")
                if name not in known:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
                self.end_headers()
                try:
                    for jpeg in frames(name):
                        head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                except OSError:
                    return

            def log_message(self, *_: Any) -> None:
                """A camera keeps no log."""

        return Handler
