"""What the agent needs of others, as Protocols. `wiring` names the real ones; tests may give others."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.message import Message
from models.results import Picture, Vector

Matrix = NDArray[np.float32]  # (N, D), rows of unit length
CameraStatus = Literal["opening", "streaming", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a window cannot be seen: a code, and the monotonic second from which on nothing may be concluded from its pictures."""

    code: str
    since_s: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """Whom a face may be compared with for one insured person, all by the same embedder and unexpired. `staff` and `watched`, the watch
    list, leave that person out. Whoever is `exempt` is verified by hand, and no face at the window is compared with anybody.
    """

    insured: Vector | None
    proxies: Matrix
    staff: Matrix
    watched: Matrix
    exempt: bool = False


class Signing(Protocol):
    """What signs this device's messages with the key that is in use now."""

    @property
    def kid(self) -> str:
        """The thumbprint of that key."""
        ...

    @property
    def public(self) -> bytes:
        """Its public half, raw."""
        ...

    def sign(self, message: Message) -> bytes:
        """Serialise once and sign. Raises ValueError for a message that is too large."""
        ...


class People(Protocol):
    """Enrolled persons."""

    def known(self, psn_no: str, at: datetime) -> Known:
        """Who may stand at the window when this person's card is used."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One camera picture (height x width x 3, BGR). `number` rises with every frame; nobody writes into `picture`."""

    picture: Picture
    mono_s: float
    number: int


class Camera(Protocol):
    """Gives the newest frame; never blocks."""

    def newest(self) -> Frame | None:
        """The last frame that arrived; None before the first."""
        ...

    @property
    def status(self) -> CameraStatus:
        """What the camera does now."""
        ...

    @property
    def fault(self) -> Fault | None:
        """Why it gives no picture that may be trusted: lost, hung, frozen or looped."""
        ...

    @property
    def frames_per_second(self) -> float:
        """Frames that arrived in the last second or so."""
        ...


class Watched(Protocol):
    """A window whose view is watched."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Why it cannot be seen now; empty when it can."""
        ...


class Stream(Protocol):
    """An open source of pictures. `read` may block or hang; only a thread of its own may call it."""

    @property
    def interval_s(self) -> float | None:
        """Seconds between pictures of a recording; None for a live source, which keeps its own time."""
        ...

    def read(self) -> Picture | None:
        """The next picture; None when there will be no more."""
        ...

    def close(self) -> None:
        """Let go of the device or file."""
        ...


class Running(Protocol):
    """A part with a life of its own: a thread or several."""

    def start(self) -> None:
        """Begin; called once."""
        ...

    def stop(self) -> None:
        """End and wait for it; called once."""
        ...


OpenStream = Callable[[], Stream]
"""Opens a source; raises SourceError."""
