"""What the centre asks of a device. Commands are signed by the centre and idempotent; the device answers by its state."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from contract.ids import Count, DeviceId, Moment, PsnNo, Seq, ShortText
from contract.message import Message, Record

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
