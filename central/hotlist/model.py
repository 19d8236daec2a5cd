"""The hot list and the second looks as plain records. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from central.errors import BadInput

MAX_REASON = 500
MAX_VALUE = 80


class HotKind(StrEnum):
    """What an entry is about."""

    DEVICE = "device"
    MODEL = "model"
    """A network, the agent's version, or the hash of limits or settings, as events name them; a hash at the end of a name will do."""
    OPERATOR = "operator"
    """A clerk (经办人) by the number that the settlement software gives."""


class Matter(StrEnum):
    """What is looked at again."""

    CAPTURE = "capture"
    MANUAL_CHECK = "manual_check"


class Decision(StrEnum):
    """What a person says of something that was looked at again. Neither deletes or changes anything."""

    KEEP = "keep"
    DISTRUST = "distrust"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry. `since` is from when on nothing of it should be relied on; `ended_*` say who took it off the list, and why."""

    entry_id: int
    kind: HotKind
    value: str
    reason: str
    since: datetime
    added_by: str
    added_at: datetime
    swept_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None
    ended_why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a device told, as far as the hot list asks. `subject` names its event; `traits` are the names and hashes of what ran."""

    subject: str
    matter: Matter
    device_id: str
    fixmedins_code: str
    at: datetime
    traits: Collection[str] = ()
    operator: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Something that waits for a second look, or had one. `why` is the reason of the entry that asked for it."""

    subject: str
    entry_id: int
    matter: Matter
    fixmedins_code: str
    seen_at: datetime
    queued_at: datetime
    hot_kind: HotKind
    hot_value: str
    why: str
    decision: Decision | None
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPage:
    """Newest first; `page` counts from 1."""

    rows: tuple[Look, ...]
    total: int
    page: int
    size: int


def concerns(entry: Entry, seen: Seen) -> bool:
    """Whether an entry asks for a second look at this."""
    if seen.at < entry.since:
        return False
    match entry.kind:
        case HotKind.DEVICE:
            return entry.value == seen.device_id
        case HotKind.OPERATOR:
            return entry.value == seen.operator
        case HotKind.MODEL:
            return any(entry.value == trait or trait.endswith(f"-{entry.value}") for trait in seen.traits)


def checked_reason(text: str) -> str:
    """A reason without surrounding space. Raises BadInput if nothing is said, or too much."""
    reason = text.strip()
    if not 0 < len(reason) <= MAX_REASON:
        raise BadInput(f"say why, in 1 to {MAX_REASON} characters; this has {len(reason)}")
    return reason


def checked_value(text: str) -> str:
    """What an entry names. Raises BadInput for nothing, too much, or characters that no name of ours has."""
    value = text.strip()
    if not 0 < len(value) <= MAX_VALUE or not value.isprintable():
        raise BadInput(f"name the device, model or operator in 1 to {MAX_VALUE} printable characters")
    return value
