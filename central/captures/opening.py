"""Verify first, parse afterwards: from bytes of the broker to a message of a known device, or a reason to refuse it."""

from collections.abc import Callable
from datetime import datetime
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
"""Finds the key of any device by its thumbprint, also one that is not trusted any more."""


class Refused(Exception):
    """The message is not taken; `reason` is a stable code, `device` who is named in the topic ("?" if that is unreadable)."""

    def __init__(self, device: str, reason: str, detail: str) -> None:
        """Keep the parts for counting."""
        super().__init__(f"{device}: {reason}: {detail}")
        self.device, self.reason, self.detail = device, reason, detail
        self.signed: bytes | None = None
        """The bytes of an event that a key of this device did sign when it was not to any more; an auditor should see them."""


class _Numbered(BaseModel):
    """The part of an event that every version has; enough to keep and acknowledge one that cannot be read."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    device: str
    epoch: Epoch
    seq: Seq
    prev: Sha256
    at: Moment


def open_message(message: Incoming, find_key: FindKey, now: datetime) -> Opened:
    """Check topic, signature, signer and content in this order. Raises Refused; never touches the database."""
    try:
        topic = parse_up(message.topic)
    except ValueError as error:
        raise Refused("?", "bad_topic", str(error)) from None
    try:
        return _OPENERS[topic.channel](topic.device, message.payload, find_key, now)
    except Untrusted as error:
        raise Refused(topic.device, "untrusted", str(error)) from None
    except MalformedMessage as error:
        raise Refused(topic.device, "malformed", str(error)) from None


def _open_event(device: str, payload: bytes, find_key: FindKey, now: datetime) -> OpenedEvent:  # noqa: ARG001 - as the others
    key, verified = _verify(device, payload, find_key, EventBase.typ)
    try:
        number = _Numbered.model_validate_json(verified.payload)
    except ValidationError:
        raise MalformedMessage("event: it carries no readable number") from None
    if number.device != device:
        raise Untrusted("the event names another device than its topic")
    require_in_force(key, "event", payload, key.signs(number.epoch, number.seq))
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


def _open_part(device: str, payload: bytes, find_key: FindKey, now: datetime) -> OpenedPart:
    try:
        wire = split_wire(payload)
    except MalformedMessage as error:  # nothing is signed yet: to be counted, not kept
        raise Untrusted(str(error)) from None
    part = read_part(wire, lambda header: _spoken(device, header, find_key, MediaPart.typ, now)[1])
    if part.device != device:
        raise Untrusted("the part names another device than its topic")
    return OpenedPart(part=part, body=wire.body)


def _open_state(device: str, payload: bytes, find_key: FindKey, now: datetime) -> OpenedState:
    key, said = _spoken(device, payload, find_key, StateBase.typ, now)
    state = parse_state(said)
    if state.device != device:
        raise Untrusted("the state names another device than its topic")
    return OpenedState(state=state, replaced=key.retired_at is not None)


def _spoken(device: str, signed: bytes, find_key: FindKey, typ: str, now: datetime) -> tuple[DeviceKey, bytes]:
    """The key and the verified bytes of a report or a header of a picture."""
    key, verified = _verify(device, signed, find_key, typ)
    require_in_force(key, typ, None, key.speaks(now))
    return key, verified.payload


def require_in_force(key: DeviceKey, what: str, signed: bytes | None, allowed: bool) -> None:
    """Raises Refused for a good signature by a key that was taken back, or that may not sign this any more."""
    if key.revoked_at is None and allowed:
        return
    reason = "old_key" if key.revoked_at is None else "revoked_key"
    refused = Refused(key.device_id, reason, f"the {what} is signed by key {key.kid[:12]}, which may not sign it any more")
    refused.signed = signed
    raise refused


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


_OPENERS: dict[Up, Callable[[str, bytes, FindKey, datetime], Opened]] = {Up.EVENT: _open_event, Up.MEDIA: _open_part, Up.STATE: _open_state}
