"""Devices, their windows and keys as plain records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

SILENT_AFTER = timedelta(seconds=70)
"""A device that said nothing for this long counts as off-line even if no will arrived: three reports are missing then, and the page, which
is read again every ten seconds, shows it within 90 s.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A terminal to register, by the public halves of keys that it made and keeps."""

    device_id: str
    fixmedins_code: str
    windows: tuple[str, ...]
    kid: str
    sign_public: bytes
    seal_public: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceKey:
    """A device's current public keys."""

    kid: str
    device_id: str
    fixmedins_code: str
    sign_public: bytes
    seal_public: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A window of a device, and from when to when the device was enrolled (None: it still is)."""

    device_id: str
    window: str
    enrolled_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """A device as the overview shows it. `epoch`, `last_seq` and `liveness_available` are those that it last reported; None before."""

    device_id: str
    windows: tuple[str, ...]
    online: bool
    seen_at: datetime | None
    epoch: int | None
    last_seq: int | None
    backlog: int
    gallery_version: int
    liveness_available: bool | None
    problems: tuple[Mapping[str, str], ...]
    cameras: tuple[Mapping[str, object], ...]
