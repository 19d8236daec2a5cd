"""Orders as plain records, and the rules of asking: who may, for how long, how often it is sent. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from central.accounts.model import Right
from central.errors import BadInput, Conflict, NotFound
from contract.commands import Configure, EvidenceRequest, Rekey, Request, Revoke, RollCall

MAX_PURPOSE = 500
"""Characters of what an order is for."""
LONGEST = timedelta(days=30)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=5)


class Kind(StrEnum):
    """Closed list, by the names of the contract's commands."""

    EVIDENCE_REQUEST = "evidence_request"
    ROLL_CALL = "roll_call"
    CONFIGURE = "configure"
    REVOKE = "revoke"
    REKEY = "rekey"


class State(StrEnum):
    """Read from the times of an order, never stored."""

    ASKED = "asked"
    """Not sent yet: the device is off-line."""
    SENT = "sent"
    ANSWERED = "answered"
    EXPIRED = "expired"


class Result(StrEnum):
    """What an answer with film says; the answers to settings and to an end are those of the contract."""

    FILM = "film"
    NO_FILM = "no_film"


COMMANDS: Mapping[Kind, type[Request]] = MappingProxyType(
    {
        Kind.EVIDENCE_REQUEST: EvidenceRequest,
        Kind.ROLL_CALL: RollCall,
        Kind.CONFIGURE: Configure,
        Kind.REVOKE: Revoke,
        Kind.REKEY: Rekey,
    }
)
FILM = frozenset({Kind.EVIDENCE_REQUEST, Kind.ROLL_CALL})
"""Kinds that are answered by film."""
DEEDS = frozenset({Kind.CONFIGURE, Kind.REVOKE})
"""Kinds that are answered by what became of them; an order for new keys is answered by their use, or by what was wrong with the offer."""
NEEDS: Mapping[Kind, Right] = MappingProxyType({kind: Right.ASK_FILM if kind in FILM else Right.MANAGE_SITES for kind in Kind})
VALID_FOR: Mapping[Kind, timedelta] = MappingProxyType(
    {
        Kind.EVIDENCE_REQUEST: timedelta(hours=24),
        Kind.ROLL_CALL: timedelta(minutes=10),
        Kind.CONFIGURE: timedelta(hours=24),
        Kind.REVOKE: timedelta(days=7),
        Kind.REKEY: timedelta(days=7),
    }
)
"""A roll-call is about now; a device that is retired may be off-line for days."""


class PurposeMissing(BadInput):
    """Nobody asks a device without saying what for."""

    code = "purpose_missing"


class DeviceGone(NotFound):
    """The device is not registered, or its service has ended."""

    code = "device_gone"


class NeverReported(Conflict):
    """The device has not said yet which settings it runs with, so nobody can change them knowingly."""

    code = "never_reported"


class AlreadyAsked(Conflict):
    """The same was asked and is still open."""

    code = "already_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks, what for, when, and for how long it stands (None: as usual for its kind)."""

    actor: str
    purpose: str
    at: datetime
    valid_for: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a device said: the film or why none comes, or what became of a command."""

    result: str
    why: str | None
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order. `subject` is the msgid, setl_id or window that it is about, "" where it is about the whole device."""

    request: str
    device_id: str
    fixmedins_code: str
    kind: Kind
    subject: str
    body: Mapping[str, Any]
    purpose: str
    asked_by: str
    asked_at: datetime
    valid_until: datetime
    sent_at: datetime | None
    times_sent: int
    answered_at: datetime | None
    result: str | None
    why: str | None
    detail: str | None
    state: State

    def command(self, at: datetime) -> Request:
        """What is signed and sent at this time."""
        return command(self.kind, self.body, device=self.device_id, request=self.request, at=at, valid_until=self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """Newest first; `page` counts from 1."""

    rows: tuple[Order, ...]
    total: int
    page: int
    size: int


def command(kind: Kind, body: Mapping[str, Any], **place: Any) -> Request:
    """The contract's message. Raises pydantic's ValidationError for a body that it does not allow."""
    return COMMANDS[kind](**place, **body)


def state_of(*, sent_at: datetime | None, answered_at: datetime | None, valid_until: datetime, now: datetime) -> State:
    """How an order stands. An answer counts however late it comes."""
    if answered_at is not None:
        return State.ANSWERED
    if valid_until <= now:
        return State.EXPIRED
    return State.ASKED if sent_at is None else State.SENT


def pause(times_sent: int) -> timedelta:
    """How long an order that was sent so often waits for its answer before it is sent again."""
    return min(FIRST_PAUSE * (1 << min(max(times_sent - 1, 0), 10)), LONGEST_PAUSE)


def checked_purpose(text: str) -> str:
    """A purpose without surrounding space. Raises PurposeMissing if nothing is said, too much, or with control characters."""
    purpose = text.strip()
    if not 0 < len(purpose) <= MAX_PURPOSE:
        raise PurposeMissing(f"say what this is for, in 1 to {MAX_PURPOSE} characters; this has {len(purpose)}")
    if any((ord(each) < 32 and each not in "\r\n\t") or ord(each) == 127 for each in purpose):
        raise PurposeMissing("the purpose holds control characters")
    return purpose


def checked_validity(kind: Kind, asked: timedelta | None) -> timedelta:
    """How long the order stands. Raises BadInput for a time that is over at once, or for longer than anybody would remember it."""
    valid_for = VALID_FOR[kind] if asked is None else asked
    if not timedelta(minutes=1) <= valid_for <= LONGEST:
        raise BadInput(f"an order stands for a minute to {LONGEST.days} days, not for {valid_for}")
    return valid_for
