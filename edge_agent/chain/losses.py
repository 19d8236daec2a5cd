"""Events about events: what is lost, and what comes back from quarantine."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from contract.events import AnyEvent, EventBase, Loss, Software, parse_event
from contract.message import MalformedMessage
from contract.sealed import TrustedKey, Untrusted, verify
from edge_agent.chain.outbox import Place
from edge_agent.clock import Clock
from edge_agent.disk.apart import Gap
from edge_agent.ports import Signing

FindOwn = Callable[[str], TrustedKey | None]


class Losses:
    """Writes and signs for one device. Keeps nothing."""

    def __init__(
        self, *, signer: Signing, device: str, clock: Clock, software: Software | None = None, find_own: FindOwn | None = None
    ) -> None:
        """`find_own` knows the keys of this device by their thumbprints, replaced ones too; without it only the one in use is known."""
        self._signer, self._device, self._clock, self._software = signer, device, clock, software
        own = TrustedKey(signer.public)
        self._find_own: FindOwn = find_own or {own.kid: own}.get

    def loss(self, place: Place, gap: Gap) -> bytes:
        """The signed word at this place of the chain that these numbers will not come."""
        stamp = self._stamp(place, self._clock.now())
        return self._signer.sign(
            Loss(**stamp, software=self._software, of_epoch=gap.epoch, last_seq=gap.last_seq, lost=gap.lost, why=gap.why)
        )

    def ours(self, signed: bytes) -> AnyEvent | None:
        """The event, if a key of this device signed it."""
        try:
            event = parse_event(verify(signed, self._find_own, EventBase.typ).payload)
        except (Untrusted, MalformedMessage):
            return None
        return event if event.device == self._device else None

    def again(self, event: AnyEvent, place: Place) -> bytes:
        """The same event signed for another place of the chain; what it says and when it was said stay."""
        return self._signer.sign(event.model_copy(update={"epoch": place.epoch, "seq": place.seq, "prev": place.prev}))

    def _stamp(self, place: Place, at: datetime) -> dict[str, Any]:
        numbered = {"epoch": place.epoch, "seq": place.seq, "prev": place.prev}
        return numbered | {"device": self._device, "at": at, "mono_ns": int(self._clock.mono_s() * 1e9), "clock_offset_ms": None}
