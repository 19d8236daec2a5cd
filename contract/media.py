"""Sealed pictures and clips in parts, named by hash, resumable in any order.

On the wire a part is: length of the signed header (4 bytes, big-endian), the header (compact JWS), the bytes of the part.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from contract.ids import DeviceId, Sha256
from contract.message import MalformedMessage, Message

PART_BYTES = 128 * 1024
_LENGTH_BYTES = 4
_MAX_HEADER = 4096


class MediaPart(Message):
    """Header of part `index` of `count` of the sealed object `media_id`, which is `size` bytes long in all."""

    typ: ClassVar[str] = "media"
    kind: Literal["media_part"] = "media_part"
    version: Literal[1] = 1
    device: DeviceId
    media_id: Sha256
    index: Annotated[int, Field(ge=0)]
    count: Annotated[int, Field(ge=1, le=1024)]
    size: Annotated[int, Field(gt=0, le=32 * 1024 * 1024)]
    part_sha256: Sha256

    @model_validator(mode="after")
    def _index_in_count(self) -> "MediaPart":
        if self.index >= self.count or self.count != part_count(self.size):
            raise ValueError("index, count and size do not fit together")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class WirePart:
    """A part as it came: the header still to be verified, and the bytes that the header speaks of."""

    header: bytes
    body: bytes


def media_id(sealed: bytes) -> str:
    """The name of a sealed object."""
    return sha256(sealed).hexdigest()


def part_count(size: int) -> int:
    """How many parts an object of `size` bytes has."""
    return -(-size // PART_BYTES)


def part_headers(device: str, sealed: bytes) -> Iterator[tuple[MediaPart, bytes]]:
    """Cut a sealed object into headers and bodies."""
    name, count = media_id(sealed), part_count(len(sealed))
    for index in range(count):
        body = sealed[index * PART_BYTES : (index + 1) * PART_BYTES]
        yield (
            MediaPart(device=device, media_id=name, index=index, count=count, size=len(sealed), part_sha256=sha256(body).hexdigest()),
            body,
        )


def join_wire(header: bytes, body: bytes) -> bytes:
    """Frame a signed header and its body."""
    return len(header).to_bytes(_LENGTH_BYTES, "big") + header + body


def split_wire(data: bytes) -> WirePart:
    """Undo `join_wire`. Raises MalformedMessage for lengths that do not fit; verifies nothing."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "big")
    body_at = _LENGTH_BYTES + length
    if not 0 < length <= _MAX_HEADER or not body_at < len(data) <= body_at + PART_BYTES:
        raise MalformedMessage("media part: the lengths do not fit")
    return WirePart(header=data[_LENGTH_BYTES:body_at], body=data[body_at:])


def read_part(wire: WirePart, verify: Callable[[bytes], bytes]) -> MediaPart:
    """Verify and read the header and check the body against it. Raises what `verify` raises, or MalformedMessage."""
    part = MediaPart.from_bytes(verify(wire.header))
    if sha256(wire.body).hexdigest() != part.part_sha256:
        raise MalformedMessage("media part: the bytes are not those that the header names")
    return part
