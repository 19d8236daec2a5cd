"""Stand-ins for clocks, cameras and networks: real classes with the ports' verbs, which do what the test tells them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from edge_agent.ports import CameraStatus, Fault, Frame, Known
from models.results import Box, Face, Picture

SIZE = 8


@dataclass(slots=True)
class HandClock:
    """Time that moves only when told to."""

    wall: datetime = datetime(2026, 1, 2, 1, 30, tzinfo=UTC)
    mono: float = 1000.0

    def now(self) -> datetime:
        return self.wall

    def mono_s(self) -> float:
        return self.mono

    def pass_s(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += timedelta(seconds=seconds)


@dataclass(slots=True)
class ScriptedStream:
    """Gives pictures, then what `after` does: None ends, a callable may raise, wait or hang."""

    pictures: list[Picture]
    interval_s: float | None = None
    after: Callable[[], Picture | None] = lambda: None
    closed: bool = False

    def read(self) -> Picture | None:
        return self.pictures.pop(0) if self.pictures else self.after()

    def close(self) -> None:
        self.closed = True


@dataclass(slots=True)
class StillCamera:
    """A camera whose newest frame is set by the test."""

    frame: Frame | None = None
    status: CameraStatus = "streaming"
    frames_per_second: float = 25.0
    fault: Fault | None = None

    def newest(self) -> Frame | None:
        return self.frame

    def show(self, picture: Picture, mono_s: float) -> None:
        self.frame = Frame(picture=picture, mono_s=mono_s, number=1 if self.frame is None else self.frame.number + 1)


@dataclass(slots=True)
class ListDetector:
    """Finds the faces that the test put in, whatever the picture shows."""

    faces: tuple[Face, ...] = ()

    def detect(self, picture: Picture) -> tuple[Face, ...]:  # noqa: ARG002 - the port's signature
        return self.faces


@dataclass(slots=True)
class ColourEmbedder:
    """Embeds a chip by its mean colour: chips of one colour are one person, of two primary colours two. `strengths` are those of blue,
    green and red chips.
    """

    version: str = "colour-1"
    size: int = 3
    fails: bool = False
    strengths: tuple[float, float, float] = (100.0, 100.0, 100.0)

    def describe(self, chips: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self.fails:
            raise RuntimeError("the network broke")
        means = chips.reshape(len(chips), -1, 3).mean(axis=1).astype(np.float32) + 1e-3
        unit: NDArray[np.float32] = means / np.linalg.norm(means, axis=1, keepdims=True)
        return unit, np.array(self.strengths, np.float32)[means.argmax(axis=1)]


@dataclass(slots=True)
class BrightnessLiveness:
    """A face is as live as its looks are bright; remembers the sizes of its batches."""

    version: str = "brightness-1"
    batches: list[int] = field(default_factory=list)

    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batches.append(len(crops))
        scores: NDArray[np.float32] = crops.reshape(len(crops), -1).mean(axis=1).astype(np.float32) / 255
        return scores


@dataclass(slots=True)
class Acquaintances:
    """Enrolled persons, by psn_no; proxies, staff and watch list for everybody."""

    insured: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    proxies: list[NDArray[np.float32]] = field(default_factory=list)
    staff: list[NDArray[np.float32]] = field(default_factory=list)
    watched: list[NDArray[np.float32]] = field(default_factory=list)
    exempt: set[str] = field(default_factory=set)
    size: int = 3

    def known(self, psn_no: str, at: datetime) -> Known:  # noqa: ARG002 - the port's signature
        return Known(
            insured=self.insured.get(psn_no),
            proxies=self._rows(self.proxies),
            staff=self._rows(self.staff),
            watched=self._rows(self.watched),
            exempt=psn_no in self.exempt,
        )

    def _rows(self, vectors: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
        found = list(vectors)
        return np.stack(found) if found else np.empty((0, self.size), np.float32)


def face_at(x: float, y: float, width: float = 60.0, score: float = 0.9) -> Face:
    """A frontal face with its box centred at (x, y)."""
    eye = width / 4
    landmarks = np.array(
        [[x - eye, y - eye], [x + eye, y - eye], [x, y], [x - eye * 0.8, y + eye], [x + eye * 0.8, y + eye]],
        np.float32,
    )
    half_height = width * 0.65
    return Face(box=Box(x0=x - width / 2, y0=y - half_height, x1=x + width / 2, y1=y + half_height), score=score, landmarks=landmarks)
