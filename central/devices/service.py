"""Register devices, know their keys, and note what they say of themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.certificates import CENTRE_NAME
from central.devices import store
from central.devices.model import SILENT_AFTER, DeviceKey, DeviceRow, NewDevice, Post
from central.errors import BadInput, Conflict, NotFound
from central.sites import service as sites
from contract.state import Birth, Death, Health

_UNKNOWN_STATE: dict[str, Any] = {"backlog": 0, "liveness_available": None, "software": {}, "cameras": [], "problems": []}
"""What a device has not said yet: its birth may have been lost on the way, and a report alone must still show that it lives."""


def register_device(db: Connection, new: NewDevice, *, now: datetime, actor: str) -> None:
    """Add a terminal. Raises NotFound for an unknown site and Conflict for a device or key that is already registered."""
    if new.device_id.lower().startswith(CENTRE_NAME):
        raise BadInput(f"device {new.device_id}: names that begin with {CENTRE_NAME!r} are the centre's own at the broker")
    sites.require_site(db, new.fixmedins_code)
    if store.device(db, new.device_id) is not None:
        raise Conflict(f"device {new.device_id} is already registered: choose another name")
    if (other := store.key(db, new.kid)) is not None:
        raise Conflict(f"this signing key already belongs to device {other.device_id}: a key is never shared")
    store.add_device(db, new, now=now)
    audit.record(
        db, now=now, actor=actor, action="device.register", object=new.device_id, detail={"site": new.fixmedins_code, "kid": new.kid}
    )


def revoke_device(db: Connection, device_id: str, *, now: datetime, actor: str) -> None:
    """Trust nothing more that a device signs, and let no broker admit it. Its name is never given again. Raises NotFound, Conflict."""
    known = store.device(db, device_id)
    if known is None:
        raise NotFound(f"device {device_id} is not registered")
    if known["revoked_at"] is not None:
        raise Conflict(f"device {device_id} was revoked already")
    store.revoke(db, device_id, now=now)
    audit.record(db, now=now, actor=actor, action="device.revoke", object=device_id)


def key(db: Connection, kid: str) -> DeviceKey | None:
    """The trusted key with this thumbprint, or None."""
    return store.key(db, kid)


def current_key(db: Connection, device_id: str) -> DeviceKey:
    """The key to seal to. Raises NotFound for a device that is unknown or revoked."""
    found = store.current_key(db, device_id)
    if found is None:
        raise NotFound(f"device {device_id} has no valid key")
    return found


def device_ids(db: Connection) -> list[str]:
    """Every device that may connect."""
    return store.device_ids(db)


def windows_of(db: Connection, device_id: str) -> tuple[str, ...]:
    """The registered windows of a device; none for one that is unknown."""
    return store.windows_of(db).get(device_id, ())


def posts(db: Connection, fixmedins_code: str) -> list[Post]:
    """Every window that a site has or had, by device and window."""
    return [Post(**row) for row in store.posts(db, fixmedins_code)]


def reported_settings(db: Connection, device_id: str) -> str | None:
    """The SHA-256 of the settings that the device's newest birth reported; None before its first."""
    state = store.state(db, device_id)
    return None if state is None else state["software"].get("settings_sha256")


def alive(db: Connection, now: datetime) -> frozenset[str]:
    """Devices that are connected, as far as the centre has heard."""
    return store.alive(db, now - SILENT_AFTER)


def note_state(db: Connection, state: Birth | Health | Death, *, now: datetime) -> None:
    """Remember what a device said of itself.

    Connections only rise: a will or a late message of an earlier connection says nothing about the present one.
    """
    known = store.state(db, state.device)
    if known is not None and _is_of_the_past(state, known):
        return
    if isinstance(state, Death):
        if known is not None:
            store.change_state(db, state.device, {"online": False, "epoch": state.epoch, "connection": state.connection, "seen_at": now})
        return
    row: dict[str, Any] = {"device_id": state.device, "connection": state.connection, "online": True, "seen_at": now}
    row |= {"epoch": state.epoch, "last_seq": state.last_seq, "gallery_version": state.gallery_version}
    if isinstance(state, Birth):
        row |= {"liveness_available": state.liveness_available, "software": state.software.model_dump(mode="json")}
    else:
        cameras = [camera.model_dump(mode="json") for camera in state.cameras]
        problems = [problem.model_dump(mode="json") for problem in state.problems]
        row |= {"backlog": state.backlog, "cameras": cameras, "problems": problems}
    store.put_state(db, _UNKNOWN_STATE | (dict(known) if known is not None else {}) | row)


def _is_of_the_past(state: Birth | Health | Death, known: RowMapping) -> bool:
    """Connections rise within an epoch; a new epoch begins with a birth, whatever its number, for a clock may have been set back."""
    if state.epoch == known["epoch"]:
        return bool(state.connection < known["connection"])
    return not isinstance(state, Birth)


def galleries_due(db: Connection, newest: Any) -> Sequence[RowMapping]:
    """On-line devices that should get a gallery page."""
    return store.galleries_due(db, newest)


def by_site(db: Connection, now: datetime) -> dict[str, tuple[DeviceRow, ...]]:
    """The devices that are not revoked as they are now, by the code of their site."""
    windows = store.windows_of(db)
    found: dict[str, tuple[DeviceRow, ...]] = {}
    for row in store.in_service(db):
        found[row["fixmedins_code"]] = (*found.get(row["fixmedins_code"], ()), _device(row, windows, now))
    return found


def _device(row: RowMapping, windows: dict[str, tuple[str, ...]], now: datetime) -> DeviceRow:
    seen = row["seen_at"]
    return DeviceRow(
        device_id=row["device_id"],
        windows=windows.get(row["device_id"], ()),
        online=bool(row["online"]) and seen is not None and now - seen <= SILENT_AFTER,
        seen_at=seen,
        epoch=row["epoch"],
        last_seq=row["last_seq"],
        backlog=row["backlog"] or 0,
        gallery_version=row["gallery_version"] or 0,
        liveness_available=row["liveness_available"],
        problems=tuple(row["problems"] or ()),
        cameras=tuple(row["cameras"] or ()),
    )
