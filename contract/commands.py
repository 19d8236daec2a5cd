"""What the centre asks of a device. Commands are signed by the centre and idempotent.

A gallery is answered by the device's state, a request by a `footage` or `result` event in its chain, an order for new keys by their use;
until then the centre sends it again.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StringConstraints, TypeAdapter, ValidationError, model_validator

from contract.ids import Code, Count, DeviceId, Moment, Msgid, PsnNo, RequestId, Seq, SetlId, Sha256, ShortText, WindowId
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


class Exempt(Record):
    """Somebody who is verified by hand and compared with nobody, until then. Why is not told: the terminal need not know."""

    psn_no: PsnNo
    expires_at: Moment


def _nobody(people: tuple[Exempt, ...]) -> bool:
    return not people


class GalleryPage(Record):
    """The plain text inside a gallery command: people to hold, people to forget, and people not to compare.

    A page says all that is known of those it names; whoever is exempt is besides in one of the other two. `exempt` is left out where there
    is nobody, as older centres wrote it; an older device refuses a page that names somebody.
    """

    hold: Annotated[tuple[GalleryEntry, ...], Field(max_length=GALLERY_PAGE)]
    forget: Annotated[tuple[PsnNo, ...], Field(max_length=5 * GALLERY_PAGE)]
    exempt: Annotated[tuple[Exempt, ...], Field(max_length=5 * GALLERY_PAGE, exclude_if=_nobody)] = ()


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


_Words = Annotated[str, StringConstraints(strict=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Value = StrictBool | StrictInt | StrictFloat | _Words
"""One setting's value; what it may be is the device's to judge."""

Table = Annotated[dict[Code, Value], Field(min_length=1, max_length=64)]


class Configure(Request):
    """Asks the device to run with these settings above those of its own file. It answers with a `result` event after it tried them.

    `settings` is by section and name and replaces whatever an earlier command set: an empty one takes all of it back. It holds for the
    settings that `from_sha256` names (a birth reports them) and no others, so that nobody changes what they did not see.
    """

    kind: Literal["configure"] = "configure"
    from_sha256: Sha256
    settings: Annotated[dict[Code, Table], Field(max_length=16)]


class Revoke(Request):
    """Ends the service of a device: it forgets every template and all film at once, looks no more, and only delivers what it has."""

    kind: Literal["revoke"] = "revoke"
    why: Code


class Rekey(Request):
    """Asks the device for new keys. It answers with a `key_offer` event, is told the outcome by an `Admission`, and then uses them."""

    kind: Literal["rekey"] = "rekey"
    why: Code


class Admission(Message):
    """The answer to a `key_offer`: the certificate (PEM) for the offered keys, on which the device changes over; or, without one, why not.

    `kid` is the RFC 7638 thumbprint of the offered signing key. It is repeated until the new key is heard of.
    """

    typ: ClassVar[str] = "command"
    kind: Literal["admission"] = "admission"
    version: Literal[1] = 1
    device: DeviceId
    at: Moment
    kid: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    certificate: Annotated[str, StringConstraints(max_length=8192)] | None
    why: Code | None

    @model_validator(mode="after")
    def _one_answer(self) -> "Admission":
        if (self.certificate is None) == (self.why is None):
            raise ValueError("an admission carries a certificate, or says why there is none")
        return self


AnyCommand = Gallery | EvidenceRequest | RollCall | Configure | Revoke | Rekey | Admission

_any_command: TypeAdapter[AnyCommand] = TypeAdapter(Annotated[AnyCommand, Field(discriminator="kind")])


def parse_command(payload: bytes) -> AnyCommand:
    """Read the verified bytes of any command. Raises MalformedMessage for an unknown kind, version or field."""
    try:
        return _any_command.validate_json(payload)
    except ValidationError as error:
        raise MalformedMessage(first_fault("command", error)) from None
