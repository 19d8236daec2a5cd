"""Check again everything that a device ever told: bytes, signatures, the key that was good at each number, and the chain.

Nothing is believed of what the tables say beside the signed bytes. Where the bytes of an event were erased on request, its hash stands in
the chain, and only that is checked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection

from central.captures import chain, store
from central.devices import service as devices
from central.devices.model import KeyPeriod
from central.errors import NotFound
from contract.events import GENESIS, EventBase
from contract.ids import Epoch, Seq, Sha256
from contract.sealed import TrustedKey, Untrusted, digest, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An event that does not stand, by its number, and why."""

    epoch: int
    seq: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """What a walk over a device's events found. `erased` of them have no bytes any more; `faults` is empty when all stand."""

    device_id: str
    events: int
    erased: int
    keys: int
    faults: tuple[Fault, ...]


class _Numbered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    device: str
    epoch: Epoch
    seq: Seq
    prev: Sha256


def verify_kept(db: Connection, device_id: str) -> KeptReport:
    """Walk over every kept event of a device, in its order. Raises NotFound for a device that never had a key."""
    keys = {key.kid: (key, TrustedKey(key.sign_public)) for key in devices.key_history(db, device_id)}
    if not keys:
        raise NotFound(f"device {device_id[:64]!r} is not registered")
    count = erased = 0
    faults, walk = list[Fault](), _Walk(db, device_id)
    for row in store.every_event(db, device_id):
        count, erased = count + 1, erased + (not row["signed"])
        whys = [*walk.step(row), *(_event_faults(row, device_id, keys) if row["signed"] else ())]
        faults += [Fault(epoch=row["epoch"], seq=row["seq"], why=why) for why in whys]
    return KeptReport(device_id=device_id, events=count, erased=erased, keys=len(keys), faults=tuple(faults))


def key_fault(key: KeyPeriod, epoch: int, seq: int, received_at: datetime) -> str | None:
    """Why this key could not sign this number, None where it could; what came before it was revoked stays good."""
    if key.last_epoch is not None and (epoch, seq) > (key.last_epoch, key.last_seq or 0):
        return f"key {key.kid[:12]} was replaced after {key.last_epoch}:{key.last_seq}"
    if key.offered_epoch is not None and (epoch, seq) <= (key.offered_epoch, key.offered_seq or 0):
        return f"key {key.kid[:12]} was offered only at {key.offered_epoch}:{key.offered_seq}"
    if key.revoked_at is not None and received_at > key.revoked_at:
        return f"key {key.kid[:12]} was revoked before it came"
    return None


def _event_faults(row: Any, device_id: str, keys: dict[str, tuple[KeyPeriod, TrustedKey]]) -> Iterator[str]:
    if digest(row["signed"]) != row["sha256"]:
        yield "the bytes are not those that its hash names"
        return
    try:
        verified = verify(row["signed"], lambda kid: keys[kid][1] if kid in keys else None, EventBase.typ)
        said = _Numbered.model_validate_json(verified.payload)
    except (Untrusted, ValidationError) as error:
        yield f"not signed by a key of this device: {type(error).__name__}"
        return
    if (said.device, said.epoch, said.seq, said.prev) != (device_id, row["epoch"], row["seq"], row["prev"]):
        yield "the bytes say another number, link or device than the table"
    if (fault := key_fault(keys[verified.kid][0], said.epoch, said.seq, row["received_at"])) is not None:
        yield fault


class _Walk:
    """The links from one event to the next, epoch by epoch. What a device said, signed, to have lost is no gap."""

    def __init__(self, db: Connection, device_id: str) -> None:
        self._db, self._device_id = db, device_id
        self._epoch = self._seq = 0
        self._sha256 = GENESIS

    def step(self, row: Any) -> Iterator[str]:
        """Take the next event."""
        if row["epoch"] != self._epoch:
            self._epoch, self._seq, self._sha256 = row["epoch"], 0, GENESIS
        missing = chain.missing(self._db, self._device_id, self._epoch, self._seq + 1, row["seq"] - 1)
        if missing:
            yield f"before it are missing {chain.named(missing)}"
        elif row["seq"] == self._seq + 1 and row["prev"] != self._sha256:
            yield "it does not point to the one before"
        self._seq, self._sha256 = row["seq"], row["sha256"]
