"""Verify first, parse afterwards: from bytes of the broker to a message of a known device, or a reason to refuse it."""

from collections.abc import Callable
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, ValidationError

from central.captures.model import Incoming, Opened, OpenedEvent, OpenedPart, OpenedState
from central.devices.model import DeviceKey
from contract.events import AnyEvent, Capture, EventBase, parse_event
from contract.ids import Epoch, Moment, Seq, Sha256
from contract.media import MediaPart, read_part, split_wire
from contract.message import MalformedMessage
from contract.sealed import TrustedKey, Untrusted, Verified, verify
from contract.state import StateBase, parse_state
from contract.topics import Up, parse_up

KEYS_KEPT = 10_000
"""Devices of one ingest worker whose keys stay read."""

FindKey = Callable[[str], DeviceKey | None]


class Refused(Exception):
    """The message is not taken; `reason` is a stable code, `device` who is named in the topic ("?" if that is unreadable)."""

    def __init__(self, device: str, reason: str, detail: str) -> None:
        """Keep the parts for counting."""
        super().__init__(f"{device}: {reason}: {detail}")
        self.device, self.reason, self.detail = device, reason, detail


class _Numbered(BaseModel):
    """The part of an event that every version has; enough to keep and acknowledge one that cannot be read."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    device: str
    epoch: Epoch
    seq: Seq
    prev: Sha256
    at: Moment


def open_message(message: Incoming, find_key: FindKey) -> Opened:
    """Check topic, signature, signer and content in this order. Raises Refused; never touches the database."""
    try:
        topic = parse_up(message.topic)
    except ValueError as error:
        raise Refused("?", "bad_topic", str(error)) from None
    try:
        return _OPENERS[topic.channel](topic.device, message.payload, find_key)
    except Untrusted as error:
        raise Refused(topic.device, "untrusted", str(error)) from None
    except MalformedMessage as error:
        raise Refused(topic.device, "malformed", str(error)) from None


def _open_event(device: str, payload: bytes, find_key: FindKey) -> OpenedEvent:
    key, verified = _verify(device, payload, find_key, EventBase.typ)
    try:
        number = _Numbered.model_validate_json(verified.payload)
    except ValidationError:
        raise MalformedMessage("event: it carries no readable number") from None
    if number.device != device:
        raise Untrusted("the event names another device than its topic")
    event, fault = _read(verified.payload, key)
    return OpenedEvent(
        device=key,
        verified=verified,
        signed=payload,
        epoch=number.epoch,
        seq=number.seq,
        prev=number.prev,
        at=number.at,
        event=event,
        fault=fault,
    )


def _read(payload: bytes, key: DeviceKey) -> tuple[AnyEvent | None, str]:
    """The event, or None and why it cannot be taken for what it says."""
    try:
        event = parse_event(payload)
    except MalformedMessage as error:
        return None, str(error)
    if isinstance(event, Capture) and event.fixmedins_code != key.fixmedins_code:
        return None, f"the capture names site {event.fixmedins_code}, the device belongs to {key.fixmedins_code}"
    return event, ""


def _open_part(device: str, payload: bytes, find_key: FindKey) -> OpenedPart:
    try:
        wire = split_wire(payload)
    except MalformedMessage as error:  # nothing is signed yet: to be counted, not kept
        raise Untrusted(str(error)) from None
    part = read_part(wire, lambda header: _verify(device, header, find_key, MediaPart.typ)[1].payload)
    if part.device != device:
        raise Untrusted("the part names another device than its topic")
    return OpenedPart(part=part, body=wire.body)


def _open_state(device: str, payload: bytes, find_key: FindKey) -> OpenedState:
    _, verified = _verify(device, payload, find_key, StateBase.typ)
    state = parse_state(verified.payload)
    if state.device != device:
        raise Untrusted("the state names another device than its topic")
    return OpenedState(state=state)


def _verify(device: str, signed: bytes, find_key: FindKey, typ: str) -> tuple[DeviceKey, Verified]:
    """The signer must be exactly the device that the topic names."""
    found: list[DeviceKey] = []

    def trusted(kid: str) -> TrustedKey | None:
        key = find_key(kid)
        if key is None or key.device_id != device:
            return None
        found.append(key)
        return _trusted_key(key.sign_public)

    verified = verify(signed, trusted, typ)
    return found[0], verified


@lru_cache(maxsize=KEYS_KEPT)
def _trusted_key(public: bytes) -> TrustedKey:
    """Reading a key costs as much as checking a signature, and a device sends many messages. Whether it is trusted is asked each time."""
    return TrustedKey(public)


_OPENERS: dict[Up, Callable[[str, bytes, FindKey], Opened]] = {Up.EVENT: _open_event, Up.MEDIA: _open_part, Up.STATE: _open_state}
