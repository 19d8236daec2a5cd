"""All SQL about devices, their windows, keys and states."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from central.db import upsert
from central.devices.model import DeviceKey, NewDevice
from central.devices.tables import device_keys, device_states, devices, windows


def device(db: Connection, device_id: str) -> RowMapping | None:
    """One device, or None."""
    return db.execute(select(devices).where(devices.c.device_id == device_id)).mappings().first()


def device_ids(db: Connection) -> list[str]:
    """Every device that is not revoked."""
    return list(db.scalars(select(devices.c.device_id).where(devices.c.revoked_at.is_(None)).order_by(devices.c.device_id)))


def add_device(db: Connection, new: NewDevice, *, now: datetime) -> None:
    """Insert a device with its windows and first key."""
    db.execute(insert(devices).values(device_id=new.device_id, fixmedins_code=new.fixmedins_code, enrolled_at=now))
    db.execute(insert(windows), [{"device_id": new.device_id, "window": window} for window in new.windows])
    db.execute(
        insert(device_keys).values(
            kid=new.kid, device_id=new.device_id, sign_public=new.sign_public, seal_public=new.seal_public, valid_from=now
        )
    )


def revoke(db: Connection, device_id: str, *, now: datetime) -> None:
    """Mark a device and its keys as revoked."""
    db.execute(update(devices).where(devices.c.device_id == device_id).values(revoked_at=now))
    db.execute(update(device_keys).where(device_keys.c.device_id == device_id, device_keys.c.revoked_at.is_(None)).values(revoked_at=now))


def key(db: Connection, kid: str) -> DeviceKey | None:
    """The key with this thumbprint if neither it nor its device is revoked."""
    return _key(db, device_keys.c.kid == kid)


def current_key(db: Connection, device_id: str) -> DeviceKey | None:
    """The newest key of a device."""
    return _key(db, device_keys.c.device_id == device_id)


def _key(db: Connection, condition: Any) -> DeviceKey | None:
    row = (
        db.execute(
            select(device_keys, devices.c.fixmedins_code)
            .join(devices)
            .where(condition, device_keys.c.revoked_at.is_(None), devices.c.revoked_at.is_(None))
            .order_by(device_keys.c.valid_from.desc())
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    return DeviceKey(**{name: row[name] for name in ("kid", "device_id", "fixmedins_code", "sign_public", "seal_public")})


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
