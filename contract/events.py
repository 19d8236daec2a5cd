"""Events: what happened at a window, in an unbroken numbered chain per device.

An event is committed to the device's outbox before it is sent and deleted only when a signed receipt covers its number.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from contract.coverage import Blind as Blind  # noqa: PLC0414 - they are part of an event
from contract.coverage import CameraRole as CameraRole  # noqa: PLC0414
from contract.coverage import Headcount as Headcount  # noqa: PLC0414
from contract.coverage import LogSeen as LogSeen  # noqa: PLC0414
from contract.coverage import Watched as Watched  # noqa: PLC0414
from contract.coverage import unseen
from contract.ids import (
    Code,
    Count,
    DeviceId,
    Epoch,
    FixmedinsCode,
    Moment,
    Msgid,
    NoteText,
    Opter,
    PsnNo,
    RequestId,
    Seq,
    SetlId,
    Sha256,
    ShortText,
    WindowId,
)
from contract.message import MalformedMessage, Message, Record, first_fault

GENESIS = "0" * 64
"""`prev` of the first event of an epoch."""

MAX_RANGES = 256
"""What one loss can name; the rest is named by the next."""


class Outcome(StrEnum):
    """The one verdict of a capture. Only people dispose; `undecided` is a full answer."""

    SAME = "same"
    DIFFERENT = "different"
    UNDECIDED = "undecided"
    ATTACK = "attack"
    NO_PERSON = "no_person"
    BLIND = "blind"
    MANUAL_VERIFIED = "manual_verified"
    PROXY = "proxy"


class Liveness(StrEnum):
    """Presentation-attack detection over the track (ISO/IEC 30107-3). `not_evaluated` is never a pass."""

    LIVE = "live"
    ATTACK = "attack"
    CANNOT_JUDGE = "cannot_judge"
    NOT_EVALUATED = "not_evaluated"


class Closing(StrEnum):
    """Why a capture ended."""

    BOUND = "bound"
    VOIDED = "voided"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"
    RECOVERED = "recovered"


class EvidenceMode(StrEnum):
    """What leaves the window besides the signed event; set by the site's legal basis."""

    ALL = "all"
    FLAGGED_ONLY = "flagged_only"
    VERDICT_ONLY = "verdict_only"


class MediaRole(StrEnum):
    """What a sealed object shows: the best view of one face, the whole zone, or the film of a settlement."""

    BEST = "best"
    SCENE = "scene"
    CLIP = "clip"


class MediaRef(Record):
    """A sealed object that follows on the media topic; `media_id` is the SHA-256 of the sealed bytes."""

    media_id: Sha256
    role: MediaRole
    content_type: Literal["image/jpeg", "video/webm"]
    size: Annotated[int, Field(gt=0, le=32 * 1024 * 1024)]


class FrameCounts(Record):
    """What the frames around the settlement gave: seen by the camera, with a face of the subject, good enough to compare."""

    seen: Count
    with_subject: Count
    used: Count


class Software(Record):
    """What decided: an outcome can only be compared with one made by the same models and limits."""

    agent: ShortText
    detector: ShortText
    embedder: ShortText
    limits_sha256: Sha256
    settings_sha256: Sha256


class EventBase(Message):
    """Order is by (epoch, seq), never by wall clock. `prev` is the SHA-256 of the preceding signed event of the epoch."""

    typ: ClassVar[str] = "event"
    version: Literal[1] = 1
    device: DeviceId
    epoch: Epoch
    seq: Seq
    prev: Sha256
    at: Moment
    mono_ns: Annotated[int, Field(ge=0, lt=2**63)]
    clock_offset_ms: float | None


class Capture(EventBase):
    """One settlement seen at one window. `similarity` goes to the centre only, never to the till.

    `embedding` is sealed to the centre (base64url, no padding) and present only in a mode that lets it leave the window.
    """

    kind: Literal["capture"] = "capture"
    fixmedins_code: FixmedinsCode
    window: WindowId
    msgid: Msgid
    infno: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{4,6}$")]
    psn_no: PsnNo
    mdtrt_cert_type: Annotated[str, StringConstraints(pattern=r"^\d{2,3}$")]
    opened_at: Moment
    closed_at: Moment
    closing: Closing
    outcome: Outcome
    reasons: Annotated[tuple[Code, ...], Field(max_length=32)]
    similarity: Annotated[float, Field(ge=-1.001, le=1.001)] | None
    liveness: Liveness
    persons: Annotated[int, Field(ge=0, le=1000)]
    frames: FrameCounts
    evidence_mode: EvidenceMode
    embedding: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]*$", max_length=16384)] | None
    media: Annotated[tuple[MediaRef, ...], Field(max_length=16)]
    software: Software


def _absent(software: Software | None) -> bool:
    return software is None


class Traced(EventBase):
    """An event besides the capture: `software` says with which models, limits and settings the device ran; older devices did not say."""

    software: Annotated[Software | None, Field(exclude_if=_absent)] = None


class Binding(Traced):
    """The national reply arrived: `msgid` now has a `setl_id`. Money in yuan as text with two decimals; refunds are negative."""

    kind: Literal["binding"] = "binding"
    msgid: Msgid
    setl_id: SetlId
    mdtrt_id: SetlId
    setl_time: Moment
    medfee_sumamt: Annotated[str, StringConstraints(pattern=r"^-?\d{1,14}\.\d{2}$")]
    auth_no: ShortText | None
    out_biz_no: ShortText | None


class Void(Traced):
    """The till reversed a settlement (2103, 2208, 2305, 2601). `msgid` is None if this device never saw that settlement."""

    kind: Literal["void"] = "void"
    setl_id: SetlId
    msgid: Msgid | None


class ManualReason(StrEnum):
    """Why a clerk verified somebody in another way than by the face, which may never be the only one."""

    NOT_ENROLLED = "not_enrolled"
    NOT_RECOGNISED = "not_recognised"
    FACE_HIDDEN = "face_hidden"
    """For health or faith; nobody is made to uncover."""
    INFIRM = "infirm"
    """A child, or somebody who cannot come before the camera."""
    EMERGENCY = "emergency"
    CAMERA_FAULT = "camera_fault"
    DECLINED = "declined"
    """The person asked for another way, as the law allows."""
    PROXY = "proxy"
    """Somebody else (代办人) came with both papers; `proxy_psn_no` says who."""


def require_named_proxy(reason: ManualReason, proxy_psn_no: str | None) -> None:
    """Raises ValueError unless a proxy is named exactly when the reason is one."""
    if (reason is ManualReason.PROXY) != (proxy_psn_no is not None):
        raise ValueError("proxy_psn_no is named exactly when the reason is proxy")


class ManualCheck(Traced):
    """A clerk (经办人) verified by hand who stands at the window: their word, beside what the camera saw and never instead of it."""

    kind: Literal["manual_check"] = "manual_check"
    msgid: Msgid
    opter: Opter
    reason: ManualReason
    proxy_psn_no: PsnNo | None

    @model_validator(mode="after")
    def _names_the_proxy(self) -> "ManualCheck":
        require_named_proxy(self.reason, self.proxy_psn_no)
        return self


class Thinning(Traced):
    """Sealed objects that the device gave up before the centre receipted them; the captures that announced them stand as they are."""

    kind: Literal["thinning"] = "thinning"
    media: Annotated[tuple[Sha256, ...], Field(min_length=1, max_length=256)]
    why: Code


class Footage(Traced):
    """Film that follows a capture, or answers the centre: the clip of one settlement, or the picture of a window at a roll-call.

    `request` names the command that it answers, None where a flagged settlement brings it by itself. `since` and `until` bound what the
    film shows. `persons` counts the faces of a roll-call. `blurred` says that faces of others than the subject cannot be made out.
    `missing` says why the film, or a part of it, does not come.
    """

    kind: Literal["footage"] = "footage"
    request: RequestId | None
    window: WindowId | None
    msgid: Msgid | None
    since: Moment | None
    until: Moment | None
    persons: Count | None
    blurred: bool
    media: Annotated[tuple[MediaRef, ...], Field(max_length=16)]
    missing: Code | None


class Coverage(Traced):
    """How much the device saw, window by window, told at the end of each hour and when it stops.

    `log` is the newest checkpoint that the centre showed it: the centre's history is so anchored in a chain that the centre cannot write.
    """

    kind: Literal["coverage"] = "coverage"
    hours: Annotated[tuple[Watched, ...], Field(min_length=1, max_length=256)]
    log: Annotated[LogSeen | None, Field(exclude_if=unseen)] = None


class LogSplit(Traced):
    """The centre's log showed this device two checkpoints that cannot both be true; both are signed by the log, so that anybody can check.

    `why` is `two_roots` for one size, or `went_back` when the later one has fewer leaves.
    """

    kind: Literal["log_split"] = "log_split"
    held: NoteText
    shown: NoteText
    why: Code


class Loss(Traced):
    """Numbers of `of_epoch`, this one or an earlier one, whose events the device cannot send: nobody needs to wait for them.

    `last_seq` is the highest number that the device knows to have given in that epoch. `lost` holds inclusive ranges, and may name numbers
    that the centre holds already where the device no longer knows what was receipted.
    """

    kind: Literal["loss"] = "loss"
    of_epoch: Epoch
    last_seq: Count
    lost: Annotated[tuple[tuple[Seq, Seq], ...], Field(max_length=MAX_RANGES)]
    why: Code

    @model_validator(mode="after")
    def _ranges_rise(self) -> "Loss":
        edge = 0
        for first, last in self.lost:
            if not edge < first <= last <= self.last_seq:
                raise ValueError(f"range {first}-{last} does not lie between {edge} and {self.last_seq} in rising order")
            edge = last
        return self


class Result(Traced):
    """What became of a command: new settings are in force after their probation, refused, or taken back; or the device is revoked.

    `software` names the settings that hold now. `why` is a code, and `detail` names the section, setting and value that is not accepted.
    """

    kind: Literal["result"] = "result"
    request: RequestId
    result: Literal["in_force", "refused", "rolled_back", "revoked"]
    why: Code | None
    detail: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


_RawKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]


class KeyOffer(Traced):
    """New keys of this device, signed with the key that is still in use; nothing changes until the centre answers with an admission.

    `sign_public` (Ed25519) and `seal_public` (X25519) are raw, `csr` is a PKCS 10 request in DER for a new P-256 key, `proof` is what
    `contract.possession` makes; all base64url without padding. `request` names the order that it obeys, None where the device began it.
    """

    kind: Literal["key_offer"] = "key_offer"
    request: RequestId | None
    sign_public: _RawKey
    seal_public: _RawKey
    csr: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=4096)]
    proof: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{86}$")]


class KeyInUse(Traced):
    """The handover as a link of the chain, signed with the new key: from here on nothing is signed with the one before."""

    kind: Literal["key_in_use"] = "key_in_use"
    kid: _RawKey
    before: _RawKey


AnyEvent = Capture | Binding | Void | ManualCheck | Thinning | Loss | Footage | Coverage | Result | KeyOffer | KeyInUse | LogSplit
Event = Annotated[AnyEvent, Field(discriminator="kind")]


_any_event: TypeAdapter[AnyEvent] = TypeAdapter(Event)


def parse_event(payload: bytes) -> AnyEvent:
    """Read the verified bytes of any event. Raises MalformedMessage for an unknown kind, version or field."""
    try:
        return _any_event.validate_json(payload)
    except ValidationError as error:
        raise MalformedMessage(first_fault("event", error)) from None
