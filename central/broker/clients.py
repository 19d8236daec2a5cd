"""Who may connect to a broker now, and which certificates may not any more."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from central.certificates import client_mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """`devices` maps the name of each device to the e-mail forms of its certificates: two while its keys change over. `cut_off` are serial
    numbers of certificates that were replaced or revoked, and since when.
    """

    devices: Mapping[str, tuple[str, ...]]
    cut_off: Mapping[int, datetime] = field(default_factory=dict)

    @classmethod
    def named(cls, devices: Iterable[str]) -> Self:
        """Devices whose certificates nobody noted: they are known by their bare names."""
        return cls(devices={device: (client_mail(device),) for device in devices})
