"""Birth, health and death of a device, outside the numbered chain: a death is written by the broker for a device that can no longer write.

`connection` rises by one with every connection and stands in the will and in the birth, so that a death belongs to its birth.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from contract.events import Software
from contract.ids import Code, Count, DeviceId, Epoch, KeyId, Moment, Seq, WindowId
from contract.message import MalformedMessage, Message, Record, first_fault


class StateBase(Message):
    """`connection` is unique and rising within `epoch`, that of the outbox; `gallery_version` is the last gallery change applied."""

    typ: ClassVar[str] = "state"
    version: Literal[1] = 1
    device: DeviceId
    epoch: Epoch
    connection: Seq
    at: Moment


class CameraState(Record):
    """What one window's camera delivers now."""

    window: WindowId
    state: Literal["opening", "streaming", "lost"]
    frames_per_second: Annotated[float, Field(ge=0, le=1000)]


class Problem(Record):
    """A self-check that does not hold now, by its code; the next report without it withdraws it."""

    check: Code
    detail: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


def _reads_none(key_id: str | None) -> bool:
    return key_id is None


class Birth(StateBase):
    """First message of a connection, repeated until the centre answers with a receipt: a broker acknowledges what nobody receives.

    `log_key` says that this device reads checkpoints of the transparency log in receipts, and by which key; others leave it out.
    """

    kind: Literal["birth"] = "birth"
    last_seq: Count
    software: Software
    liveness_available: bool
    gallery_version: Count
    windows: Annotated[tuple[WindowId, ...], Field(max_length=64)]
    log_key: Annotated[KeyId | None, Field(exclude_if=_reads_none)] = None


class Health(StateBase):
    """Sent regularly and after each gallery change. `last_seq` lets the centre see a missing number without waiting for the next event."""

    kind: Literal["health"] = "health"
    last_seq: Count
    backlog: Count
    gallery_version: Count
    cameras: Annotated[tuple[CameraState, ...], Field(max_length=64)]
    problems: Annotated[tuple[Problem, ...], Field(max_length=64)]


class Death(StateBase):
    """The will: the broker publishes it when the connection breaks; `at` is when the connection was made."""

    kind: Literal["death"] = "death"


_any_state: TypeAdapter[Birth | Health | Death] = TypeAdapter(Annotated[Birth | Health | Death, Field(discriminator="kind")])


def parse_state(payload: bytes) -> Birth | Health | Death:
    """Read verified bytes. Raises MalformedMessage for an unknown kind, version or field."""
    try:
        return _any_state.validate_json(payload)
    except ValidationError as error:
        raise MalformedMessage(first_fault("state", error)) from None
