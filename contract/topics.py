"""MQTT topics. Devices write below `v1/up/<shard>/<device>` and read below `v1/down/<device>`; nobody else may.

The shard spreads devices over ingest workers without any feature of the broker: a worker subscribes to its own shards only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from pydantic import TypeAdapter, ValidationError

from contract.ids import DeviceId

SHARDS = 64
ROOT = "v1"
_device = TypeAdapter(DeviceId)


class Up(StrEnum):
    """What a device sends."""

    EVENT = "event"
    MEDIA = "media"
    STATE = "state"


class Down(StrEnum):
    """What the centre sends."""

    RECEIPT = "receipt"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpTopic:
    """A parsed topic of the upward tree."""

    channel: Up
    device: str


def shard(device: str) -> int:
    """The shard of a device, 0 to SHARDS - 1; the same on every machine and in every version."""
    return int.from_bytes(sha256(device.encode()).digest()[:4], "big") % SHARDS


def up(channel: Up, device: str) -> str:
    """The topic on which this device publishes."""
    return f"{ROOT}/up/{shard(device):02d}/{device}/{channel}"


def down(channel: Down, device: str) -> str:
    """The topic on which this device listens."""
    return f"{ROOT}/down/{device}/{channel}"


def down_filter(device: str) -> str:
    """The filter that a device subscribes to; it covers every channel of the centre."""
    return f"{ROOT}/down/{device}/+"


def ingest_filters(shards: Iterable[int] | None = None) -> tuple[str, ...]:
    """Filters of one ingest worker; None stands for every shard. Raises ValueError for a shard that does not exist."""
    if shards is None:
        return (f"{ROOT}/up/+/+/+",)
    chosen = sorted(set(shards))
    if wrong := [number for number in chosen if not 0 <= number < SHARDS]:
        raise ValueError(f"shard {wrong[0]} does not exist: shards are 0 to {SHARDS - 1}")
    return tuple(f"{ROOT}/up/{number:02d}/+/+" for number in chosen)


def parse_up(topic: str) -> UpTopic:
    """Read an upward topic. Raises ValueError if it is not exactly what `up` writes, shard included."""
    parts = topic.split("/")
    if len(parts) != 5:
        raise ValueError(f"topic {topic!r} is not an upward topic of this contract")
    try:
        device = _device.validate_python(parts[3])
        channel = Up(parts[4])
    except (ValidationError, ValueError):
        raise ValueError(f"topic {topic!r} is not an upward topic of this contract") from None
    if up(channel, device) != topic:
        raise ValueError(f"topic {topic!r} names the wrong shard for device {device}: expected {up(channel, device)!r}")
    return UpTopic(channel=channel, device=device)
