"""What this device says about itself: birth, health and, in advance, death."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from contract.events import Software
from contract.state import Birth, CameraState, Death, Health, Problem
from edge_agent.chain.outbox import Outbox
from edge_agent.clock import Clock
from edge_agent.judging.gallery import Faces
from edge_agent.ports import Camera, Signing

FindProblems = Callable[[], tuple[Problem, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What stays the same while the program runs. Liveness is available when its networks are loaded and not turned off.

    `log_key` is the id of the key by which checkpoints of the centre's log are read here; None where nobody reads them.
    """

    name: str
    software: Software
    liveness_available: bool
    log_key: str | None = None


class States:
    """Writes and signs the state messages of one device."""

    def __init__(
        self,
        *,
        signer: Signing,
        device: Device,
        cameras: Mapping[str, Camera],
        outbox: Outbox,
        gallery: Faces,
        problems: FindProblems,
        clock: Clock,
    ) -> None:
        self._signer, self._device = signer, device
        self._cameras, self._outbox, self._gallery = cameras, outbox, gallery
        self._problems, self._clock = problems, clock

    def birth(self, connection: int) -> bytes:
        """The first message of a connection."""
        backlog = self._outbox.backlog()
        return self._signer.sign(
            Birth(
                device=self._device.name,
                connection=connection,
                at=self._clock.now(),
                epoch=backlog.epoch,
                last_seq=backlog.last_seq,
                software=self._device.software,
                liveness_available=self._device.liveness_available,
                gallery_version=self._gallery.version,
                windows=tuple(self._cameras),
                log_key=self._device.log_key,
            )
        )

    def health(self, connection: int) -> bytes:
        """How things are now."""
        backlog = self._outbox.backlog()
        return self._signer.sign(
            Health(
                device=self._device.name,
                connection=connection,
                at=self._clock.now(),
                epoch=backlog.epoch,
                last_seq=backlog.last_seq,
                backlog=backlog.events,
                gallery_version=self._gallery.version,
                cameras=self.cameras(),
                problems=self._problems(),
            )
        )

    def death(self, connection: int) -> bytes:
        """The will of a connection that is about to be made."""
        return self._signer.sign(Death(device=self._device.name, epoch=self._outbox.epoch, connection=connection, at=self._clock.now()))

    def cameras(self) -> tuple[CameraState, ...]:
        """What each window's camera delivers."""
        return tuple(
            CameraState(window=window, state=camera.status, frames_per_second=camera.frames_per_second)
            for window, camera in self._cameras.items()
        )
