"""What the centre asks of a device. Commands are signed by the centre and idempotent.

A gallery is answered by the device's state, a request by a `footage` event in its chain; until then the centre sends it again.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from contract.ids import Count, DeviceId, Moment, Msgid, PsnNo, RequestId, Seq, SetlId, ShortText, WindowId
from contract.message import MalformedMessage, Message, Record, first_fault

GALLERY_PAGE = 64
"""Entries a gallery command carries at most; keeps it well below MAX_BYTES."""

MAX_ACTS_FOR = 64
"""For how many people one person can be the registered proxy at a terminal: a carer of a ward, not of a town."""


class GalleryRole(StrEnum):
    """Why a device knows a person. Whoever is watched for is on the list by a written decision; that one was seen is only remarked."""

    INSURED = "insured"
    STAFF = "staff"
    WATCH = "watch"


class GalleryEntry(Record):
    """One person's template for one embedding model; `vector` is float32 little-endian, base64url without padding.

    `acts_for` names the insured persons for whom this one is a registered proxy (代办人) now.
    """

    psn_no: PsnNo
    role: GalleryRole
    embedder: ShortText
    vector: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=8192)]
    acts_for: Annotated[tuple[PsnNo, ...], Field(max_length=MAX_ACTS_FOR)]
    expires_at: Moment


class GalleryPage(Record):
    """The plain text inside a gallery command: people to hold and people to forget."""

    hold: Annotated[tuple[GalleryEntry, ...], Field(max_length=GALLERY_PAGE)]
    forget: Annotated[tuple[PsnNo, ...], Field(max_length=5 * GALLERY_PAGE)]


class Gallery(Message):
    """Brings the gallery from `from_version` to `to_version`; a device at another version ignores it and reports its own.

    `page` is a GalleryPage sealed to the device's key (base64url, no padding), so that the broker never sees a template.
    """

    typ: ClassVar[str] = "command"
    kind: Literal["gallery"] = "gallery"
    version: Literal[1] = 1
    device: DeviceId
    at: Moment
    from_version: Count
    to_version: Seq
    page: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]

    @model_validator(mode="after")
    def _forward(self) -> "Gallery":
        if self.to_version <= self.from_version:
            raise ValueError("to_version must be above from_version")
        return self


class Request(Message):
    """A question with an answer. `valid_until` ends it: a device that hears of it later answers only that it came too late."""

    typ: ClassVar[str] = "command"
    version: Literal[1] = 1
    device: DeviceId
    at: Moment
    request: RequestId
    valid_until: Moment


class EvidenceRequest(Request):
    """Asks for the clip and a picture of one settlement, named by exactly one of its numbers."""

    kind: Literal["evidence_request"] = "evidence_request"
    msgid: Msgid | None
    setl_id: SetlId | None

    @model_validator(mode="after")
    def _one_name(self) -> "EvidenceRequest":
        if (self.msgid is None) == (self.setl_id is None):
            raise ValueError("name the settlement by msgid or by setl_id, one of them")
        return self


class RollCall(Request):
    """Asks for the picture of a window now, and how many faces are there (云查房)."""

    kind: Literal["roll_call"] = "roll_call"
    window: WindowId


AnyCommand = Gallery | EvidenceRequest | RollCall

_any_command: TypeAdapter[AnyCommand] = TypeAdapter(Annotated[AnyCommand, Field(discriminator="kind")])


def parse_command(payload: bytes) -> AnyCommand:
    """Read the verified bytes of any command. Raises MalformedMessage for an unknown kind, version or field."""
    try:
        return _any_command.validate_json(payload)
    except ValidationError as error:
        raise MalformedMessage(first_fault("command", error)) from None
