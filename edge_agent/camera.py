"""Keep the newest frame of one source at hand, whatever the source does: end, stall, hang, or never open.

A read may hang for minutes inside the video library, where no thread can be stopped. So every opening has a reader thread of its own; one
that stays silent is left behind and a new one is begun, and whoever asks for a frame never waits.

A live source that repeats one picture bit by bit is frozen: its pictures are not handed on, and it is opened again as if it were silent.
A recording repeats what it likes (a loop over one picture): it replays, there is no sensor behind it that could freeze.
"""

import random
from collections import deque
from threading import Event, Lock, Thread

import numpy as np
import structlog

from edge_agent.clock import Clock
from edge_agent.errors import SourceError
from edge_agent.ports import CameraStatus, Frame, OpenStream, Stream
from models.results import Picture

SILENT_S = 2.0  # without a frame for so long a streaming camera counts as lost
GIVE_UP_S = 10.0  # and after so long its reader is left behind; opening takes some seconds
REOPEN_MAX_S = 3.0  # upper edge of the random pause before opening again
MAX_LEFT_BEHIND = 3  # readers that still hang; no more are begun until one returns
LOOK_S = 0.1
FAREWELL_S = 2.0
RATE_FRAMES = 60
FEW_ROWS = 32  # every so many rows are compared first: that tells nearly all pictures apart

log = structlog.get_logger(__name__)


class _Reader(Thread):
    """Reads one opening of the source until it ends or is told to stop; may hang for ever."""

    def __init__(self, camera: "WatchedCamera", open_stream: OpenStream) -> None:
        super().__init__(name=f"reader-{camera.name}", daemon=True)
        self._camera = camera
        self._open_stream = open_stream
        self.stop = Event()
        self.ended = False

    def run(self) -> None:
        """Open, read to the end, close."""
        try:
            stream = self._open_stream()
        except SourceError as error:
            log.warning("camera_not_opened", camera=self._camera.name, why=str(error))
            return
        try:
            self._read(stream)
        finally:
            stream.close()

    def _read(self, stream: Stream) -> None:
        clock = self._camera.clock
        due_s = clock.mono_s()
        while not self.stop.is_set():
            picture = stream.read()
            if picture is None:
                self.ended = stream.interval_s is not None
                return
            if not self.stop.is_set():
                self._camera.arrived(self, picture, live=stream.interval_s is None)
            if stream.interval_s is not None:
                due_s = max(due_s + stream.interval_s, clock.mono_s() - stream.interval_s)
                self.stop.wait(max(0.0, due_s - clock.mono_s()))


class WatchedCamera:
    """A camera with its supervisor thread. `start` once, `stop` once; the rest may be called from any thread and never blocks."""

    def __init__(self, name: str, open_stream: OpenStream, clock: Clock, *, frozen_after_s: float) -> None:
        """`frozen_after_s` is how long a live source may repeat one picture before it counts as lost."""
        self.name = name
        self.clock = clock
        self._open_stream = open_stream
        self._frozen_after_s = frozen_after_s
        self._heard_s = self._changed_s = 0.0
        self._frame: Frame | None = None
        self._times: deque[float] = deque(maxlen=RATE_FRAMES)
        self._lock = Lock()
        self._reader: _Reader | None = None
        self._stop = Event()
        self._supervisor = Thread(target=self._supervise, name=f"camera-{name}", daemon=True)

    def start(self) -> None:
        """Begin to open the source."""
        self._supervisor.start()

    def stop(self) -> None:
        """Stop supervising and wait a moment for the reader; one that hangs dies with the process."""
        self._stop.set()
        self._supervisor.join()
        if self._reader is not None:
            self._reader.join(FAREWELL_S)

    def newest(self) -> Frame | None:
        """The last frame that arrived; None before the first."""
        with self._lock:
            return self._frame

    @property
    def status(self) -> CameraStatus:
        """What the camera does now, judged by the age of its newest frame; a frozen one is lost."""
        frame = self.newest()
        if frame is None:
            return "opening"
        if self.frozen:
            return "lost"
        return "streaming" if self.clock.mono_s() - frame.mono_s <= SILENT_S else "lost"

    @property
    def frozen(self) -> bool:
        """Whether pictures arrive, but always the same one."""
        with self._lock:
            still_s, now_s = self._heard_s - self._changed_s, self.clock.mono_s()
            return still_s > self._frozen_after_s and now_s - self._heard_s <= SILENT_S

    @property
    def frames_per_second(self) -> float:
        """Frames that arrived lately; 0 when the camera is silent."""
        with self._lock:
            times = list(self._times)
        if len(times) < 2 or self.status != "streaming":
            return 0.0
        return min(1000.0, (len(times) - 1) / max(times[-1] - times[0], 1e-3))

    def arrived(self, reader: Thread, picture: Picture, *, live: bool) -> None:
        """Take a picture from the current reader; one that was left behind is not listened to, and a frozen picture is not handed on."""
        now_s = self.clock.mono_s()
        with self._lock:
            if reader is not self._reader:
                return
            if not (live and self._frame is not None and _equal(picture, self._frame.picture)):
                self._changed_s = now_s
            self._heard_s = now_s
            if now_s - self._changed_s <= self._frozen_after_s:
                self._frame = Frame(picture=picture, mono_s=now_s, number=1 if self._frame is None else self._frame.number + 1)
                self._times.append(now_s)

    def _supervise(self) -> None:
        left_behind: list[_Reader] = []
        while not self._stop.is_set():
            left_behind = [reader for reader in left_behind if reader.is_alive()]
            if len(left_behind) < MAX_LEFT_BEHIND:
                reader = self._begin()
                self._watch(reader)
                if reader.ended:
                    log.info("recording_ended", camera=self.name)
                    return
                left_behind.append(reader)
            self._stop.wait(random.uniform(0, REOPEN_MAX_S))  # noqa: S311 - jitter, no secret

    def _begin(self) -> _Reader:
        reader = _Reader(self, self._open_stream)
        with self._lock:
            self._reader = reader
            self._times.clear()
        reader.start()
        return reader

    def _watch(self, reader: _Reader) -> None:
        """Return when the reader ended, gave nothing new for too long, or everything stops."""
        begun_s = self.clock.mono_s()
        while reader.is_alive() and not self._stop.wait(LOOK_S):
            frame = self.newest()
            heard_s = begun_s if frame is None else max(begun_s, frame.mono_s)
            if self.clock.mono_s() - heard_s > GIVE_UP_S:
                log.warning("camera_silent", camera=self.name, seconds=GIVE_UP_S)
                break
        reader.stop.set()


def _equal(one: Picture, other: Picture) -> bool:
    return np.array_equal(one[::FEW_ROWS], other[::FEW_ROWS]) and np.array_equal(one, other)
