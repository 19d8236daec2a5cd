"""Devices, their windows and keys as plain records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

SILENT_AFTER = timedelta(seconds=70)
"""A device that said nothing for this long counts as off-line even if no will arrived: three reports are missing then, and the page, which
is read again every ten seconds, shows it within 90 s.
"""

OVERLAP = timedelta(days=1)
"""For so long reports and headers of pictures may still be signed with a key that was replaced: they may have waited at the broker. Both
are made anew when they are refused, so nothing is lost by it.
"""

LOOK_BACK = timedelta(days=7)
"""How far back the captures of a device are looked at again when it is revoked, unless somebody knows better since when not to trust it."""


PASSING_DAYS = 14
"""How long a passing certificate holds: for a terminal that was off-line when its own ended, to deliver what it holds and make new keys."""


class BadOffer(ValueError):
    """Keys that a device offers are not taken; the text says why and holds no key."""


class OldOffer(BadOffer):
    """It is signed with a key that is not in use any more: nobody in order waits for an answer to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A terminal to register, by the public halves of keys that it made and keeps."""

    device_id: str
    fixmedins_code: str
    windows: tuple[str, ...]
    kid: str
    sign_public: bytes
    seal_public: bytes
    certificate: str | None = None
    """PEM of the certificate under which brokers know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRecord:
    """A device as it was enrolled, and when its service ended."""

    device_id: str
    fixmedins_code: str
    enrolled_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceKey:
    """Public keys of a device that are believed now. Once replaced (`retired_at`) it signs none above (`last_epoch`, `last_seq`)."""

    kid: str
    device_id: str
    fixmedins_code: str
    sign_public: bytes
    seal_public: bytes
    offered_epoch: int | None = None
    offered_seq: int | None = None
    retired_at: datetime | None = None
    last_epoch: int | None = None
    last_seq: int | None = None
    revoked_at: datetime | None = None

    def signs(self, epoch: int, seq: int) -> bool:
        """Whether an event of this number may be signed with it: a stolen old key appends nothing, and a backlog comes however late."""
        return self.last_epoch is None or (epoch, seq) <= (self.last_epoch, self.last_seq or 0)

    def is_early(self, epoch: int, seq: int) -> bool:
        """Whether this number lies before the device offered the key, so that no device in order signed it so."""
        return self.offered_epoch is not None and (epoch, seq) <= (self.offered_epoch, self.offered_seq or 0)

    def speaks(self, at: datetime) -> bool:
        """Whether reports and pictures may be signed with it at this time: those of a connection that began before the change."""
        return self.retired_at is None or at - self.retired_at <= OVERLAP


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPeriod:
    """One key of a device for ever: from when to when it was good, and for which numbers. `offered_*` is the event by which the device
    offered it, None for one that came with enrolment; `last_*` the last number that it may have signed, None while it is in use.
    """

    kid: str
    sign_public: bytes
    seal_public: bytes
    certificate: str | None
    valid_from: datetime
    offered_epoch: int | None
    offered_seq: int | None
    last_epoch: int | None
    last_seq: int | None
    retired_at: datetime | None
    revoked_at: datetime | None
    revoked_why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A key that a device offered, with the certificate that it must be told of until it uses it."""

    device_id: str
    kid: str
    certificate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A device of a site, and from when to when it was enrolled (None: it still is)."""

    device_id: str
    fixmedins_code: str
    enrolled_at: datetime
    revoked_at: datetime | None


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
