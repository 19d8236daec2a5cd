"""Keep the newest frame of one source at hand, whatever the source does: end, stall, hang, or never open.

A read may hang for minutes inside the video library, where no thread can be stopped. So every opening has a reader thread of its own; while
one is silent another is begun beside it, the first that gives a picture is listened to, and whoever asks for a frame never waits.

A live source that repeats one picture bit by bit (frozen), or pictures of the last minutes (looped), is as good as lost: its pictures are
not handed on, and it is opened again now and then. A recording repeats what it likes: there is no sensor behind it.
"""

import random
from collections import deque
from math import inf
from threading import Event, Lock, Thread

import structlog

from edge_agent.camera.repeats import Repeats
from edge_agent.clock import Clock
from edge_agent.errors import SourceError
from edge_agent.ports import CameraStatus, Fault, Frame, OpenStream, Stream
from models.results import Picture

SILENT_S = 2.0  # without a frame for so long a streaming camera counts as lost
GIVE_UP_S = 2.5  # and after so long another reader is begun beside the silent one, which may still be opening
STALE_S = 10.0  # pictures that are not new for so long: the source is opened again, for a box in between may have hung
REOPEN_MAX_S = 1.0  # upper edge of the random pause after an opening that failed or ended
MAX_READERS = 3  # of one source, the hanging ones included; no more are begun until one returns
LOOK_S = 0.1
FAREWELL_S = 2.0
RATE_FRAMES = 60

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
            self._camera.arrived(self, picture, live=stream.interval_s is None)
            if stream.interval_s is not None:
                due_s = max(due_s + stream.interval_s, clock.mono_s() - stream.interval_s)
                self.stop.wait(max(0.0, due_s - clock.mono_s()))


class WatchedCamera:
    """A camera with its supervisor thread. `start` once, `stop` once; the rest may be called from any thread and never blocks."""

    def __init__(self, name: str, open_stream: OpenStream, clock: Clock, repeats: Repeats) -> None:
        """`repeats` notices a live source that is frozen or looped."""
        self.name = name
        self.clock = clock
        self._open_stream = open_stream
        self._repeats = repeats
        self._made_s = clock.mono_s()
        self._heard_s = -inf
        self._frame: Frame | None = None
        self._times: deque[float] = deque(maxlen=RATE_FRAMES)
        self._lock = Lock()
        self._readers: list[_Reader] = []
        self._giving: _Reader | None = None
        self._stop = Event()
        self._supervisor = Thread(target=self._supervise, name=f"camera-{name}", daemon=True)

    def start(self) -> None:
        """Begin to open the source."""
        self._supervisor.start()

    def stop(self) -> None:
        """Stop supervising and wait a moment for the reader; one that hangs dies with the process."""
        self._stop.set()
        self._supervisor.join()
        for reader in self._readers:
            reader.stop.set()
        if self._giving is not None:
            self._giving.join(FAREWELL_S)

    def newest(self) -> Frame | None:
        """The last frame that arrived; None before the first."""
        with self._lock:
            return self._frame

    @property
    def status(self) -> CameraStatus:
        """What the camera does now: it streams when it has no fault, and opens until its first frame."""
        if self.newest() is None:
            return "opening"
        return "streaming" if self.fault is None else "lost"

    @property
    def fault(self) -> Fault | None:
        """Why there is no picture that may be trusted, since the last one that could; None while there is."""
        now_s = self.clock.mono_s()
        with self._lock:
            if self._frame is None:
                return Fault(code="lost", since_s=self._made_s)
            if now_s - self._heard_s > SILENT_S:
                hangs = self._giving is not None and self._giving.is_alive()
                return Fault(code="hung" if hangs else "lost", since_s=self._heard_s)
            return self._repeated(now_s)

    @property
    def frames_per_second(self) -> float:
        """Frames that arrived lately; 0 when the camera is silent."""
        with self._lock:
            times = list(self._times)
        if len(times) < 2 or self.status != "streaming":
            return 0.0
        return min(1000.0, (len(times) - 1) / max(times[-1] - times[0], 1e-3))

    def arrived(self, reader: _Reader, picture: Picture, *, live: bool) -> None:
        """Take a picture from a reader: the first that gives one is listened to and the others are told to stop. Repeated ones are not
        handed on.
        """
        now_s = self.clock.mono_s()
        with self._lock:
            if reader.stop.is_set():
                return
            if reader is not self._giving:
                self._listen_to(reader)
            if live:
                self._repeats.note(picture, now_s)
            self._heard_s = now_s
            if not live or self._repeated(now_s) is None:
                self._frame = Frame(picture=picture, mono_s=now_s, number=1 if self._frame is None else self._frame.number + 1)
                self._times.append(now_s)

    def _repeated(self, now_s: float) -> Fault | None:
        if (since_s := self._repeats.frozen_since(now_s)) is not None:
            return Fault(code="frozen", since_s=since_s)
        if (since_s := self._repeats.looped_since()) is not None:
            return Fault(code="looped", since_s=since_s)
        return None

    def _listen_to(self, reader: _Reader) -> None:
        for other in self._readers:
            if other is not reader:
                other.stop.set()
        self._giving = reader
        self._times.clear()

    def _supervise(self) -> None:
        while not self._stop.is_set():
            if len(self._alive()) < MAX_READERS:
                self._begin()
            self._stay()
            if any(reader.ended for reader in self._alive()):
                log.info("recording_ended", camera=self.name)
                return
            if not self._is_read():
                self._stop.wait(random.uniform(0, REOPEN_MAX_S))  # noqa: S311 - jitter, no secret

    def _begin(self) -> None:
        reader = _Reader(self, self._open_stream)
        with self._lock:
            self._readers.append(reader)
        reader.start()

    def _stay(self) -> None:
        """Return when nobody reads any more, when the readers were silent or stale for too long, or when everything stops."""
        begun_s = self.clock.mono_s()
        while self._is_read() and not self._stop.wait(LOOK_S):
            now_s, frame = self.clock.mono_s(), self.newest()
            if now_s - max(begun_s, self._heard_s) > GIVE_UP_S:
                log.warning("camera_silent", camera=self.name, seconds=GIVE_UP_S)
                return
            if now_s - max(begun_s, -inf if frame is None else frame.mono_s) > STALE_S:
                log.warning("camera_stale", camera=self.name, seconds=STALE_S)
                return

    def _is_read(self) -> bool:
        return any(not reader.stop.is_set() for reader in self._alive() if not reader.ended)

    def _alive(self) -> list[_Reader]:
        """Readers that may still give something, hang, or ended with their recording."""
        with self._lock:
            self._readers = [reader for reader in self._readers if reader.is_alive() or reader.ended]
            return list(self._readers)
