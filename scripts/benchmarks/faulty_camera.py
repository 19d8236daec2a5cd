"""A network camera (MJPEG on loopback) that fails on command, in every way that the watch of a camera knows."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from models.results import Picture
from scripts.scenes import background

BOUNDARY = "frame"
QUALITY = 92
GRAIN = 2.0
LOOP_FRAMES = 12
LOOK_S = 0.01


class Fault(StrEnum):
    """What can be wrong with the camera."""

    NONE = "none"
    STALL = "stall"  # sends nothing for a while, then goes on over the same connection
    CUT = "cut"  # breaks every connection, also new ones
    HANG = "hang"  # sends nothing more, ever, over any connection made until it is well again
    FREEZE = "freeze"
    LOOP = "loop"
    COVER = "cover"
    DEFOCUS = "defocus"
    MOVE = "move"
    TURN = "turn"
    DARK = "dark"
    BRIGHT = "bright"


def _shifted(view: Picture) -> Picture:
    across = view.shape[1] // 16
    return np.asarray(cv2.copyMakeBorder(view, 0, 0, across, 0, cv2.BORDER_REFLECT)[:, : view.shape[1]], np.uint8)


SPOIL: dict[Fault, Callable[[Picture], Picture]] = {
    Fault.COVER: lambda view: np.full_like(view, 80),
    Fault.DEFOCUS: lambda view: np.asarray(cv2.GaussianBlur(view, (0, 0), view.shape[1] / 200), np.uint8),
    Fault.MOVE: _shifted,
    Fault.TURN: lambda view: np.ascontiguousarray(np.rot90(view, 2)),
    Fault.DARK: lambda view: (view * 0.08).astype(np.uint8),
    Fault.BRIGHT: lambda view: np.clip(view * 3.0 + 80, 0, 255).astype(np.uint8),
}
"""What becomes of the view. Turned by half, it shows nothing where it was, and cannot be mistaken for a person."""


def shop(seed: int) -> Picture:
    """A shop interior (480 x 640 x 3) with packets on its shelves, whose edges and print are sharp."""
    view, maker = background(seed), np.random.default_rng(seed)
    for _ in range(70):
        x, y, width, height = (int(maker.integers(low, high)) for low, high in ((0, 600), (10, 400), (12, 50), (12, 50)))
        cv2.rectangle(view, (x, y), (x + width, y + height), tuple(int(level) for level in maker.integers(40, 220, 3)), -1)
        cv2.putText(view, "Rx", (x, y + height), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (235, 235, 235), 1)
    return view


class FaultyCamera:
    """One camera. `fault` is set from any thread; a context manager that serves while it is entered."""

    def __init__(self, view: Picture, fps: float) -> None:
        self.fault = Fault.NONE
        self._view, self._fps = view, fps
        self._sent: deque[bytes] = deque(maxlen=LOOP_FRAMES)
        self._noise = np.random.default_rng()  # no seed: a sensor's grain is never the same again
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """The camera's address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/faulty.mjpeg"

    def __enter__(self) -> Self:
        """Start serving."""
        threading.Thread(target=self._server.serve_forever, args=(LOOK_S,), name="faulty-camera", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop serving; connections that hang end with it."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def frames(self) -> Iterator[bytes]:
        """JPEG frames at the camera's rate over one connection; ends when it is cut."""
        due_s = time.monotonic()
        while self.fault is not Fault.CUT and not self._over.is_set():
            if self.fault is Fault.HANG:
                self._over.wait()
            elif self.fault is Fault.STALL:
                time.sleep(LOOK_S)
                due_s = time.monotonic()
            else:
                yield self._next()
                due_s += 1 / self._fps
                time.sleep(max(0.0, due_s - time.monotonic()))

    def _next(self) -> bytes:
        with self._lock:
            if self.fault in (Fault.FREEZE, Fault.LOOP) and len(self._sent) == LOOP_FRAMES:
                jpeg = self._sent[-1]
                if self.fault is Fault.LOOP:
                    jpeg = self._sent[0]
                    self._sent.rotate(-1)
                return jpeg
            seen = SPOIL[self.fault](self._view) if self.fault in SPOIL else self._view
            grain = self._noise.normal(0, GRAIN, (*seen.shape[:2], 1)).astype(np.float32)
            jpeg = cv2.imencode(".jpg", np.clip(seen + grain, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
            self._sent.append(jpeg)
            return jpeg

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Stream until the viewer goes away or the camera cuts the line."""
                if camera.fault is Fault.CUT:
                    return
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                self.end_headers()
                try:
                    for jpeg in camera.frames():
                        head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                except OSError:
                    return

            def log_message(self, *_: Any) -> None:
                """A camera keeps no log."""

        return Handler
