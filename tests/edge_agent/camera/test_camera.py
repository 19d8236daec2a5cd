"""A camera's newest frame is at hand whatever the source does."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from threading import Event
from typing import Any

import numpy as np
import pytest

from edge_agent.camera import camera as module
from edge_agent.camera.camera import MAX_READERS, WatchedCamera
from edge_agent.camera.repeats import Repeats
from edge_agent.clock import SystemClock
from edge_agent.errors import SourceError
from edge_agent.ports import OpenStream, Stream
from tests.fakes import ScriptedStream

PICTURE = np.zeros((4, 4, 3), np.uint8)
FROZEN_AFTER_S = 0.15


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds become tenths."""
    for name, value in {
        "SILENT_S": 0.2,
        "GIVE_UP_S": 0.25,
        "STALE_S": 0.5,
        "REOPEN_MAX_S": 0.05,
        "LOOK_S": 0.02,
        "FAREWELL_S": 0.1,
    }.items():
        monkeypatch.setattr(module, name, value)


@contextmanager
def running(open_stream: OpenStream) -> Iterator[WatchedCamera]:
    camera = WatchedCamera("W1", open_stream, SystemClock(), Repeats(frozen_after_s=FROZEN_AFTER_S, memory_s=60))
    camera.start()
    try:
        yield camera
    finally:
        camera.stop()


def wait(condition: Callable[[], Any], seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(condition())


class Openings:
    """Gives prepared streams, one after the other, then the last again and again."""

    def __init__(self, *streams: Callable[[], Stream]) -> None:
        self._streams = streams
        self.count = 0

    def __call__(self) -> Stream:
        self.count += 1
        return self._streams[min(self.count, len(self._streams)) - 1]()


def live(pause_s: float = 0.01) -> ScriptedStream:
    """A camera whose last bit flickers, as that of every sensor does."""
    noise = cycle((0, 1))

    def next_picture() -> Any:
        time.sleep(pause_s)
        return PICTURE + np.uint8(next(noise))

    return ScriptedStream([], after=next_picture)


def code(camera: WatchedCamera) -> str | None:
    return None if camera.fault is None else camera.fault.code


def still(interval_s: float | None = None) -> ScriptedStream:
    def next_picture() -> Any:
        time.sleep(0.01)
        return PICTURE.copy()

    return ScriptedStream([], after=next_picture, interval_s=interval_s)


def refuse() -> Stream:
    raise SourceError("not there")


def test_streams_and_counts() -> None:
    with running(live) as camera:
        assert camera.status == "opening" or camera.newest() is not None
        assert wait(lambda: camera.frames_per_second > 20)
        assert camera.status == "streaming"
        first = camera.newest()
        assert first is not None and wait(lambda: (camera.newest() or first).number > first.number)


def test_a_source_that_never_opens_is_tried_again() -> None:
    openings = Openings(refuse)
    with running(openings) as camera:
        assert wait(lambda: openings.count >= 4)
        assert (camera.newest(), camera.status, camera.frames_per_second) == (None, "opening", 0.0)


def test_a_lost_source_comes_back() -> None:
    openings = Openings(lambda: ScriptedStream([PICTURE]), refuse, refuse, live)
    with running(openings) as camera:
        assert wait(lambda: openings.count == 4 and camera.frames_per_second > 20)


def test_a_hanging_read_is_left_behind() -> None:
    release = Event()

    def hang() -> None:
        release.wait(20)

    openings = Openings(lambda: ScriptedStream([PICTURE], after=hang), live)
    try:
        with running(openings) as camera:
            assert wait(lambda: code(camera) == "hung") and camera.status == "lost"
            assert wait(lambda: camera.status == "streaming")
    finally:
        release.set()


def test_a_late_frame_of_a_reader_left_behind_is_not_shown() -> None:
    release, stale = Event(), np.full((4, 4, 3), 9, np.uint8)

    def hang_then_give() -> Any:
        release.wait(20)
        return stale

    with running(Openings(lambda: ScriptedStream([], after=hang_then_give), lambda: live(0.05))) as camera:
        assert wait(lambda: camera.status == "streaming")
        release.set()
        time.sleep(0.2)
        frame = camera.newest()
        assert frame is not None and frame.picture.max() <= 1


def test_hanging_readers_are_bounded() -> None:
    release = Event()
    openings = Openings(lambda: ScriptedStream([], after=lambda: release.wait(20) and None))
    try:
        with running(openings):
            assert wait(lambda: openings.count == MAX_READERS)
            time.sleep(0.6)
            assert openings.count == MAX_READERS
    finally:
        release.set()


def test_a_recording_keeps_its_own_time_and_ends() -> None:
    stream = ScriptedStream([PICTURE] * 5, interval_s=0.05)
    begun = time.monotonic()
    with running(Openings(lambda: stream)) as camera:
        assert wait(lambda: stream.closed)
        assert 0.15 < time.monotonic() - begun < 2
        assert (camera.newest() or pytest.fail("no frame")).number == 5
        time.sleep(0.3)
        assert camera.status == "lost"


def test_a_frozen_picture_is_no_picture() -> None:
    openings = Openings(still, live)
    with running(openings) as camera:
        assert wait(lambda: code(camera) == "frozen")
        assert (camera.status, camera.frames_per_second) == ("lost", 0.0)
        frame = camera.newest()
        time.sleep(0.05)
        assert frame is not None and camera.newest() is frame
        assert wait(lambda: camera.status == "streaming" and camera.fault is None)
        assert openings.count >= 2


def test_a_recording_may_repeat_itself() -> None:
    with running(Openings(lambda: still(interval_s=0.01))) as camera:
        time.sleep(2 * FROZEN_AFTER_S)
        assert (camera.status, camera.fault) == ("streaming", None)


def test_a_looped_stream_is_no_picture_and_a_living_one_is_again() -> None:
    seen = np.random.default_rng(1).integers(0, 255, (20, 4, 4, 3), dtype=np.uint8)
    loop = cycle(seen)

    def next_picture() -> Any:
        time.sleep(0.02)
        return next(loop)

    with running(Openings(lambda: ScriptedStream([], after=next_picture), live)) as camera:
        assert wait(lambda: code(camera) == "looped")
        frame = camera.newest()
        time.sleep(0.1)
        assert (camera.status, camera.newest()) == ("lost", frame)
        assert wait(lambda: camera.status == "streaming")


def test_a_slow_opening_is_not_cut_short_by_the_next() -> None:
    """Every opening takes longer than the patience with a silent reader."""

    def slow() -> Stream:
        time.sleep(0.6)
        return live()

    with running(slow) as camera:
        assert wait(lambda: camera.status == "streaming", 3)


def test_a_source_that_resumes_needs_no_new_opening() -> None:
    pause, noise = Event(), cycle((0, 1))

    def next_picture() -> Any:
        time.sleep(0.01)
        if pause.is_set():
            time.sleep(0.22)
            pause.clear()
        return PICTURE + np.uint8(next(noise))

    openings = Openings(lambda: ScriptedStream([], after=next_picture))
    with running(openings) as camera:
        assert wait(lambda: camera.status == "streaming")
        pause.set()
        assert wait(lambda: code(camera) == "hung") and wait(lambda: camera.status == "streaming")
        assert openings.count == 1


def test_a_fault_says_since_when_nothing_can_be_trusted() -> None:
    begun_s = time.monotonic()
    with running(Openings(lambda: ScriptedStream([PICTURE]), refuse)) as camera:
        assert wait(lambda: code(camera) == "lost" and camera.newest())
        frame = camera.newest()
        assert camera.fault is not None and frame is not None
        assert begun_s <= camera.fault.since_s == frame.mono_s
