"""A made MJPEG camera in a process of its own, so that its work is not counted as the agent's.

    python -m scripts.benchmarks.camera WIDTH HEIGHT FPS

Prints its address, then shows a person or an empty window, as lines `person` and `empty` on its input say; ends with its input. The empty
window is still, with the grain of a sensor; the person is a still picture that is moved.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from scripts.benchmarks.clips import ROOT
from scripts.benchmarks.errors import CannotMeasure
from scripts.scenes import Cameras, Picture, render
from scripts.town import visitor

NAME, FACE = "window", "甲-2"
QUALITY = 92
LOOP_FRAMES = 60  # rendered once and shown again under new grain, so that serving costs little and no picture comes twice
GRAIN_LEVELS = 2


class _Camera(Cameras):
    """One camera of any size and rate."""

    def __init__(self, width: int, height: int, fps: float) -> None:
        super().__init__((NAME,))
        self._size, self._fps = (width, height), fps
        self._views = {shown: self._loop(shown) for shown in (False, True)}

    def frames(self, name: str) -> Iterator[bytes]:
        """JPEG frames at the camera's rate, for ever."""
        noise, start = np.random.default_rng(), time.monotonic()
        for number in range(1 << 31):
            view = self._views[self._visitors[name] is not None][number % LOOP_FRAMES]
            grain = noise.integers(-GRAIN_LEVELS, GRAIN_LEVELS + 1, (*view.shape[:2], 1), np.int16)
            grained = np.clip(view + grain, 0, 255).astype(np.uint8)
            yield cv2.imencode(".jpg", grained, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
            time.sleep(max(0.0, start + number / self._fps - time.monotonic()))

    def _loop(self, shown: bool) -> list[Picture]:
        noise = np.random.default_rng(7)
        views = (render(self._empty[NAME], visitor(FACE) if shown else None, number / self._fps, noise) for number in range(LOOP_FRAMES))
        return [self._fitted(view) for view in views]

    def _fitted(self, view: Picture) -> Picture:
        """The upper middle of the view in the asked size; nothing is stretched."""
        width, height = self._size
        rows = view[: round(view.shape[1] * height / width)]
        return np.asarray(rows if rows.shape[1::-1] == self._size else cv2.resize(rows, self._size, interpolation=cv2.INTER_AREA))


class CameraProcess:
    """The camera from outside: started on entering, ended on leaving."""

    def __init__(self, width: int, height: int, fps: float) -> None:
        command = [sys.executable, "-m", __spec__.name, str(width), str(height), str(fps)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        if self._process.stdin is None or self._process.stdout is None:
            raise CannotMeasure("the camera's process has no pipes")
        self._input = self._process.stdin
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise CannotMeasure("the made camera did not start")

    def show(self, person: bool) -> None:
        """Let a person step before the camera, or nobody."""
        print("person" if person else "empty", file=self._input, flush=True)

    def __enter__(self) -> Self:
        """It runs already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End it."""
        self._input.close()
        self._process.wait(10)


def main(width: str, height: str, fps: str) -> None:
    """Serve until the input ends."""
    with _Camera(int(width), int(height), float(fps)) as camera:
        print(camera.url(NAME), flush=True)
        for line in sys.stdin:
            camera.show(NAME, visitor(FACE) if line.strip() == "person" else None)


if __name__ == "__main__":
    main(*sys.argv[1:])
