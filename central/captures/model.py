"""What came from the devices, as plain records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from central.devices.model import DeviceKey
from contract.events import AnyEvent
from contract.media import MediaPart
from contract.sealed import Verified
from contract.state import Birth, Death, Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message as the broker delivered it."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedEvent:
    """A verified event. `event` is None when its content is not of this contract; its number counts all the same."""

    device: DeviceKey
    verified: Verified
    signed: bytes
    epoch: int
    seq: int
    prev: str
    at: datetime
    event: AnyEvent | None
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPart:
    """A verified part of a sealed object."""

    part: MediaPart
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedState:
    """A verified birth, health or death; whether the key that signed it was `replaced` since."""

    state: Birth | Health | Death
    replaced: bool = False


Opened = OpenedEvent | OpenedPart | OpenedState


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaView:
    """A picture of a capture; `stored` is False while it is still on its way, and after it was `erased`."""

    media_id: str
    role: str
    stored: bool
    erased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureView:
    """Everything about one capture that a person may see. `opter` (经办人), reason and proxy are what a clerk stated, if one did."""

    capture_id: str
    device_id: str
    fixmedins_code: str
    window: str
    msgid: str
    infno: str
    psn_no: str
    opened_at: datetime
    closed_at: datetime
    closing: str
    outcome: str
    reasons: tuple[str, ...]
    similarity: float | None
    liveness: str
    persons: int
    frames_seen: int
    frames_used: int
    evidence_mode: str
    software: Mapping[str, str]
    received_at: datetime
    setl_id: str | None
    opter: str | None
    manual_reason: str | None
    manual_proxy: str | None
    face_group: int | None
    face_band: str | None
    media: tuple[MediaView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FootageView:
    """What a device sent as an answer with film: the film, the number of faces of a roll-call, or why none comes."""

    request: str | None
    window: str | None
    msgid: str | None
    since: datetime | None
    until: datetime | None
    persons: int | None
    blurred: bool
    missing: str | None
    received_at: datetime
    media: tuple[MediaView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedEvent:
    """An event exactly as its device sent it."""

    device_id: str
    epoch: int
    seq: int
    kind: str
    sha256: str
    prev: str
    kid: str
    signed: bytes
    at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """How far a device's newest chain is here: without a gap, and at all."""

    epoch: int = 0
    up_to: int = 0
    highest: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectionRow:
    """How many messages of a device were refused on a day, and why."""

    device_id: str
    reason: str
    day: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IrregularityRow:
    """Something signed that is not as it should be, or that a device said of itself; its bytes stay in the store."""

    kind: str
    device_id: str
    epoch: int | None
    seq: int | None
    reason: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IrregularityPage:
    """Newest first; `page` counts from 1."""

    rows: tuple[IrregularityRow, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far a device's chain is here without a gap."""

    device_id: str
    epoch: int
    up_to: int
    head: str


def capture_id(device_id: str, epoch: int, seq: int) -> str:
    """The natural key of a capture in one text."""
    return f"{device_id}:{epoch}:{seq}"
