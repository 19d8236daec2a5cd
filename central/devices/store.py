"""All SQL about devices, their windows, keys and states."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, func, insert, or_, select, update

from central.db import upsert
from central.devices.model import DeviceKey, NewDevice
from central.devices.tables import device_keys, device_states, devices, windows

_OFFERED = (func.coalesce(device_keys.c.offered_epoch, 0), func.coalesce(device_keys.c.offered_seq, 0))
_BY_AGE = (device_keys.c.valid_from, *_OFFERED, device_keys.c.kid)
"""Oldest first; keys of one moment in the order of the chain."""
_IN_CHAIN = (*_OFFERED, device_keys.c.valid_from, device_keys.c.kid)
"""Keys that are not revoked, as the device took them, whatever the clock said: that of enrolment first, then by their offers."""


def device(db: Connection, device_id: str) -> RowMapping | None:
    """One device, or None."""
    return db.execute(select(devices).where(devices.c.device_id == device_id)).mappings().first()


def device_ids(db: Connection) -> list[str]:
    """Every device that is not revoked."""
    return list(db.scalars(select(devices.c.device_id).where(devices.c.revoked_at.is_(None)).order_by(devices.c.device_id)))


def every_device(db: Connection) -> list[str]:
    """Every device, revoked ones included."""
    return list(db.scalars(select(devices.c.device_id).order_by(devices.c.device_id)))


def add_device(db: Connection, new: NewDevice, *, now: datetime) -> None:
    """Insert a device with its windows; its key is added beside."""
    db.execute(insert(devices).values(device_id=new.device_id, fixmedins_code=new.fixmedins_code, enrolled_at=now))
    db.execute(insert(windows), [{"device_id": new.device_id, "window": window} for window in new.windows])


def put_windows(db: Connection, device_id: str, names: Iterable[str]) -> None:
    """Give a device these windows and no others."""
    db.execute(delete(windows).where(windows.c.device_id == device_id))
    db.execute(insert(windows), [{"device_id": device_id, "window": window} for window in names])


def revoke(db: Connection, device_id: str, *, why: str, now: datetime) -> None:
    """Mark a device and its keys as revoked."""
    db.execute(update(devices).where(devices.c.device_id == device_id).values(revoked_at=now))
    revoke_keys(db, device_id, why=why, now=now)


def revoke_keys(db: Connection, device_id: str, *, why: str, now: datetime) -> None:
    """Mark every key of a device as revoked that is not."""
    change_keys(db, device_keys.c.device_id == device_id, {"revoked_at": now, "revoked_why": why})


def change_keys(db: Connection, which: ColumnElement[bool], changes: Mapping[str, Any]) -> None:
    """Note something about keys that are not revoked."""
    db.execute(update(device_keys).where(which, device_keys.c.revoked_at.is_(None)).values(**changes))


def change_key(db: Connection, kid: str, changes: Mapping[str, Any]) -> None:
    """Note something about one key, unless it is revoked."""
    change_keys(db, device_keys.c.kid == kid, changes)


def add_key(db: Connection, row: Mapping[str, Any]) -> None:
    """A key beside those that a device has."""
    db.execute(insert(device_keys).values(**row))


def key(db: Connection, kid: str) -> DeviceKey | None:
    """The key with this thumbprint if neither it nor its device is revoked."""
    return _key(db, and_(device_keys.c.kid == kid, _in_force()))


def signer(db: Connection, kid: str) -> DeviceKey | None:
    """The key with this thumbprint, revoked or not."""
    return _key(db, device_keys.c.kid == kid)


def current_key(db: Connection, device_id: str) -> DeviceKey | None:
    """The key that a device uses: the oldest that no other has replaced yet, for one that was only offered is not in use."""
    return _key(db, and_(device_keys.c.device_id == device_id, device_keys.c.retired_at.is_(None), _in_force()))


def _key(db: Connection, condition: ColumnElement[bool]) -> DeviceKey | None:
    row = db.execute(select(device_keys, devices.c.fixmedins_code).join(devices).where(condition).order_by(*_IN_CHAIN)).mappings().first()
    return None if row is None else DeviceKey(**{name: row[name] for name in DeviceKey.__dataclass_fields__})


def keys_of(db: Connection, device_id: str) -> Sequence[RowMapping]:
    """Every key that a device ever had, oldest first."""
    same = select(device_keys).where(device_keys.c.device_id == device_id)
    return db.execute(same.order_by(*_BY_AGE)).mappings().all()


def good_keys(db: Connection, device_id: str) -> Sequence[RowMapping]:
    """Keys of a device that are not revoked, replaced ones included, in the order in which it took them."""
    good = select(device_keys).where(device_keys.c.device_id == device_id, device_keys.c.revoked_at.is_(None))
    return db.execute(good.order_by(*_IN_CHAIN)).mappings().all()


def _in_force() -> ColumnElement[bool]:
    return and_(device_keys.c.revoked_at.is_(None), devices.c.revoked_at.is_(None))


def key_row(db: Connection, kid: str) -> RowMapping | None:
    """One key, revoked or not."""
    return db.execute(select(device_keys).where(device_keys.c.kid == kid)).mappings().first()


def owners_of(db: Connection, *, sign_public: bytes, seal_public: bytes, tls_sha256: str | None) -> Sequence[RowMapping]:
    """Keys of any device and any time that share a public key with these."""
    same = [device_keys.c.sign_public == sign_public, device_keys.c.seal_public == seal_public]
    if tls_sha256 is not None:
        same.append(device_keys.c.tls_sha256 == tls_sha256)
    return db.execute(select(device_keys).where(or_(*same))).mappings().all()


def changing_keys(db: Connection) -> Sequence[RowMapping]:
    """Keys in force of devices that have more than one, by device, oldest first."""
    live = and_(device_keys.c.revoked_at.is_(None), device_keys.c.retired_at.is_(None))
    several = select(device_keys.c.device_id).where(live).group_by(device_keys.c.device_id).having(func.count() > 1)
    query = select(device_keys).where(live, device_keys.c.device_id.in_(several))
    return db.execute(query.order_by(device_keys.c.device_id, *_IN_CHAIN)).mappings().all()


def newest_change(db: Connection) -> tuple[object, ...]:
    """Changes with every key that comes, is replaced or revoked."""
    moments = (func.max(device_keys.c[name]) for name in ("valid_from", "retired_at", "revoked_at"))
    ends = (func.count(device_keys.c[name]) for name in ("kid", "retired_at", "revoked_at"))
    return tuple(db.execute(select(*ends, *moments)).one())


def certified_keys(db: Connection) -> Sequence[RowMapping]:
    """Every key with the certificate of its time (None where none was noted), by device; those in force in the order of the chain."""
    names = ("kid", "device_id", "certificate", "offered_epoch", "retired_at", "revoked_at")
    query = select(*(device_keys.c[name] for name in names))
    return db.execute(query.order_by(device_keys.c.device_id, *_IN_CHAIN)).mappings().all()


def state(db: Connection, device_id: str) -> RowMapping | None:
    """What the device last said of itself."""
    return db.execute(select(device_states).where(device_states.c.device_id == device_id)).mappings().first()


def put_state(db: Connection, row: Mapping[str, Any]) -> None:
    """Insert or overwrite the named columns of a device's state."""
    upsert(db, device_states, [row], ["device_id"])


def change_state(db: Connection, device_id: str, changes: Mapping[str, Any]) -> None:
    """Overwrite some columns of a state that exists."""
    db.execute(update(device_states).where(device_states.c.device_id == device_id).values(**changes))


def in_service(db: Connection) -> Sequence[RowMapping]:
    """Every device that is not revoked with its state, by site and device."""
    said = (column for column in device_states.c if column.name != "device_id")
    query = select(devices.c.device_id, devices.c.fixmedins_code, *said).select_from(devices.outerjoin(device_states))
    return db.execute(query.where(devices.c.revoked_at.is_(None)).order_by(devices.c.fixmedins_code, devices.c.device_id)).mappings().all()


def windows_of(db: Connection) -> dict[str, tuple[str, ...]]:
    """The windows of every device."""
    found: dict[str, tuple[str, ...]] = {}
    for row in db.execute(select(windows).order_by(windows.c.window)).mappings():
        found[row["device_id"]] = (*found.get(row["device_id"], ()), row["window"])
    return found


def posts(db: Connection, fixmedins_code: str) -> Sequence[RowMapping]:
    """Every window of a site's devices, revoked ones included, and from when to when the device was enrolled."""
    query = select(windows, devices.c.enrolled_at, devices.c.revoked_at).join(devices).where(devices.c.fixmedins_code == fixmedins_code)
    return db.execute(query.order_by(windows.c.device_id, windows.c.window)).mappings().all()


def enrolled(db: Connection, sites: Collection[str] | None) -> Sequence[RowMapping]:
    """(device_id, fixmedins_code, enrolled_at, revoked_at) of every device of these sites, or of all."""
    query = select(devices) if sites is None else select(devices).where(devices.c.fixmedins_code.in_(list(sites)))
    return db.execute(query.order_by(devices.c.device_id)).mappings().all()


def alive(db: Connection, since: datetime) -> frozenset[str]:
    """Devices that are not revoked, were not said to be gone, and were heard since then."""
    here = (devices.c.revoked_at.is_(None), device_states.c.online, device_states.c.seen_at >= since)
    return frozenset(db.scalars(select(devices.c.device_id).join(device_states).where(*here)))


def galleries_due(db: Connection, newest: Any) -> Sequence[RowMapping]:
    """On-line devices whose gallery is older than the newest change of their site; `newest` selects (fixmedins_code, version)."""
    return (
        db.execute(
            select(devices.c.device_id, devices.c.fixmedins_code, device_states.c.gallery_version)
            .join(device_states)
            .join(newest, newest.c.fixmedins_code == devices.c.fixmedins_code)
            .where(device_states.c.online, devices.c.revoked_at.is_(None), device_states.c.gallery_version < newest.c.version)
        )
        .mappings()
        .all()
    )
