"""What people see of a device's keys and of what has to be looked at again."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from central.captures import service as captures
from central.captures.model import CaptureView
from central.certificates import ends_at
from central.devices import service as devices
from central.devices.model import DeviceRecord, KeyPeriod
from central.hotlist import service as hotlist
from central.hotlist.model import Entry, HotKind, Look, LookPage, Matter


class KeyState(StrEnum):
    """How a key stands; read from its times, never stored."""

    IN_USE = "in_use"
    OFFERED = "offered"
    REPLACED = "replaced"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A key with its state, and when its certificate ends (None where none was noted)."""

    period: KeyPeriod
    state: KeyState
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """A device through its life; keys newest first."""

    device: DeviceRecord
    windows: tuple[str, ...]
    keys: tuple[KeyView, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookView:
    """A second look, with the capture that it is about where it is about one."""

    look: Look
    capture: CaptureView | None


def device_view(db: Connection, device_id: str) -> DeviceView:
    """One device. Raises NotFound."""
    device = devices.record_of(db, device_id)
    views, used = list[KeyView](), False
    for period in devices.key_history(db, device_id):
        state = _state(period, used)
        used = used or state is KeyState.IN_USE
        views.append(KeyView(period=period, state=state, ends_at=ends_at(period.certificate) if period.certificate else None))
    entries = tuple(each for each in hotlist.entries(db) if (each.kind, each.value) == (HotKind.DEVICE, device_id))
    return DeviceView(device=device, windows=devices.windows_of(db, device_id), keys=tuple(reversed(views)), entries=entries)


def look_views(db: Connection, found: LookPage) -> tuple[LookView, ...]:
    """The looks of a page with their captures."""
    return tuple(
        LookView(look=look, capture=captures.get(db, look.subject) if look.matter is Matter.CAPTURE else None) for look in found.rows
    )


def _state(period: KeyPeriod, used: bool) -> KeyState:
    if period.revoked_at is not None:
        return KeyState.REVOKED
    if period.retired_at is not None:
        return KeyState.REPLACED
    return KeyState.OFFERED if used else KeyState.IN_USE
