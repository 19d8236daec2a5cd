"""The centre's signed word that it has committed: the only thing on which a device may delete."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from contract.ids import Count, DeviceId, Epoch, Moment, NoteText, Seq, Sha256
from contract.message import Message

MAX_GAPS = 256
MAX_MEDIA_DONE = 1024
"""What one receipt can name; the rest is named by the next."""


def _not_said(note: str | None) -> bool:
    return note is None


class Receipt(Message):
    """Cumulative and idempotent. Covers every event of `epoch` up to `up_to`, whose hash is `head` (GENESIS when `up_to` is 0).

    `gaps` are inclusive ranges above `up_to` that the centre misses although it holds a later number; the device sends them again.
    `media_done` names media objects stored whole. `checkpoint` is the newest signed note of the transparency log; it is sent only to a
    device whose birth named the log's key, for older ones know no such field.
    """

    typ: ClassVar[str] = "receipt"
    kind: Literal["receipt"] = "receipt"
    version: Literal[1] = 1
    device: DeviceId
    epoch: Epoch
    up_to: Count
    head: Sha256
    gaps: Annotated[tuple[tuple[Seq, Seq], ...], Field(max_length=MAX_GAPS)]
    media_done: Annotated[tuple[Sha256, ...], Field(max_length=MAX_MEDIA_DONE)]
    at: Moment
    checkpoint: Annotated[NoteText | None, Field(exclude_if=_not_said)] = None

    @model_validator(mode="after")
    def _gaps_rise(self) -> "Receipt":
        edge = self.up_to
        for first, last in self.gaps:
            if not edge < first <= last:
                raise ValueError(f"gap {first}-{last} does not lie above {edge} in rising order")
            edge = last
        return self
