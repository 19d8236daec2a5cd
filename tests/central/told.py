"""What devices tell besides captures, whole and valid, every field changeable by keyword; and orders as people give them."""

from datetime import datetime, timedelta
from typing import Any

from central.orders.model import Asking
from contract.events import Blind, Coverage, Result, Watched
from tests import builders

_PLACE: dict[str, Any] = {"epoch": builders.EPOCH, "at": builders.AT, "mono_ns": 1, "clock_offset_ms": None}
PURPOSE = "核对 S-1 的就诊人"


def asking(*, actor: str = "zhang.min", purpose: str = PURPOSE, at: datetime = builders.AT, valid_for: timedelta | None = None) -> Asking:
    """A monitor who wants to know."""
    return Asking(actor=actor, purpose=purpose, at=at, valid_for=valid_for)


def result(**changes: Any) -> Result:
    """The word that settings are in force."""
    return Result(**(_PLACE | {"request": "0" * 32, "result": "in_force", "why": None, "detail": ""} | changes))


def watched(since: datetime, *, seen_s: float = 3600, blind: tuple[tuple[str, float], ...] = (), **changes: Any) -> Watched:
    """An hour of a window."""
    causes = tuple(Blind(cause=cause, seconds=seconds) for cause, seconds in blind)
    return Watched(**({"window": "W1", "since": since, "until": since + timedelta(hours=1), "seen_s": seen_s, "blind": causes} | changes))


def coverage(*hours: Watched, **changes: Any) -> Coverage:
    """What a device tells at the end of an hour."""
    return Coverage(**(_PLACE | {"hours": hours} | changes))
