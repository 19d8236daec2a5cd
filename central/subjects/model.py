"""What was erased, what could not be, and the signed statement of both. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from contract.ids import Count, DeviceId, FixmedinsCode, Moment, PsnNo, Seq, Sha256
from contract.message import Message, Record

NAMED = 2000
"""Items that a statement names one by one; their number and the hash over all of their names are always there."""

_Words = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Code = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$")]


class Why(StrEnum):
    """Why a face is erased."""

    REQUEST = "request"
    """The person asked for it."""
    WITHDRAWN = "withdrawn"
    """The person took the consent back: the till checks by hand from now on."""
    ENDED = "ended"
    """The basis is over, or the purpose."""
    COMPLETED = "completed"
    """What was held at an earlier erasing is held no more."""


class TerminalState(StrEnum):
    """Whether a terminal still holds the face."""

    CONFIRMED = "confirmed"
    """It reported the gallery version with which it forgot."""
    PENDING = "pending"
    EXPIRED = "expired"
    """It was not heard of since, and whatever it held has expired by itself."""
    OUT_OF_SERVICE = "out_of_service"
    """It was revoked."""


class Erased(Record):
    """One thing that is here no more: a sealed vector by the hash of its seal, or a picture by that of its sealed bytes."""

    what: _Code
    sha256: Sha256


class Held(Record):
    """One thing that must stay for now: because of a finding in force (its jr_id) or a legal hold (the number of its document)."""

    what: _Code
    name: _Words
    because: Literal["finding", "hold"]
    reference: _Words


class Terminal(Record):
    """Whether one terminal holds the face still."""

    device: DeviceId
    fixmedins_code: FixmedinsCode
    version: Seq
    state: TerminalState


class ErasureStatement(Message):
    """The centre's signed word about one erasing. `erased` names the first items; `count` and `digest` cover all of them.

    `digest` is the SHA-256 over the sorted hashes, a line each. `text_zh` and `text_en` say the same in words.
    """

    typ: ClassVar[str] = "erasure"
    kind: Literal["erasure"] = "erasure"
    version: Literal[1] = 1
    number: Count
    psn_no: PsnNo
    why: Why
    reference: _Words
    erased_at: Moment
    erased_by: _Words
    count: Count
    digest: Sha256
    erased: Annotated[tuple[Erased, ...], Field(max_length=NAMED)]
    held: Annotated[tuple[Held, ...], Field(max_length=NAMED)]
    terminals: Annotated[tuple[Terminal, ...], Field(max_length=NAMED)]
    stated_at: Moment
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erasing as it is kept. `terminals` maps a device to its site and to the gallery version with which it forgets."""

    erasure_id: int
    psn_no: str
    why: Why
    reference: str
    erased_at: datetime
    erased_by: str
    erased: tuple[Erased, ...]
    held: tuple[Held, ...]
    terminals: Mapping[str, tuple[str, int]]
    statement: bytes


def digest(erased: Sequence[Erased]) -> str:
    """The hash over all names, in order of the names."""
    return sha256("".join(f"{name}\n" for name in sorted(one.sha256 for one in erased)).encode()).hexdigest()
