"""Register devices, know their keys, and note what they say of themselves."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.broker.clients import Clients
from central.certificates import CENTRE_NAME, client_mail, ends_at, issue_client, mail_in, reissue, serial_of
from central.devices import store
from central.devices.model import (
    LOOK_BACK,
    PASSING_DAYS,
    SILENT_AFTER,
    Admitted,
    BadOffer,
    DeviceKey,
    DeviceRecord,
    DeviceRow,
    Enrolled,
    KeyPeriod,
    NewDevice,
    OldOffer,
    Post,
)
from central.devices.offers import read_offer, spki, tls_name, tls_of
from central.errors import BadInput, Conflict, NotFound
from central.hotlist import service as hotlist
from central.hotlist.model import HotKind
from central.keys import CentreKeys
from central.sites import service as sites
from contract.events import KeyOffer
from contract.state import Birth, Death, Health

log = structlog.get_logger(__name__)
_UNKNOWN_STATE: dict[str, Any] = {"backlog": 0, "liveness_available": None, "software": {}, "cameras": [], "problems": []}
"""What a device has not said yet: its birth may have been lost on the way, and a report alone must still show that it lives."""


def register_device(db: Connection, new: NewDevice, *, now: datetime, actor: str) -> None:
    """Add a terminal. Raises NotFound for an unknown site and Conflict for a device that is registered or a key that any ever had."""
    if new.device_id.lower().startswith(CENTRE_NAME):
        raise BadInput(f"device {new.device_id}: names that begin with {CENTRE_NAME!r} are the centre's own at the broker")
    sites.require_site(db, new.fixmedins_code)
    if store.device(db, new.device_id) is not None:
        raise Conflict(f"device {new.device_id} is already registered: choose another name")
    _require_new(db, new)
    store.add_device(db, new, now=now)
    store.add_key(db, _key_row(new, now))
    audit.record(
        db, now=now, actor=actor, action="device.register", object=new.device_id, detail={"site": new.fixmedins_code, "kid": new.kid}
    )


def replace_key(db: Connection, new: NewDevice, *, now: datetime, actor: str) -> None:
    """Give a known terminal new keys at once, as after its disk was lost: every key that it had is revoked, and what those signed and has
    not come is not believed any more. Its windows are those of `new`.

    Raises NotFound for a device or site that is not known, and Conflict for one that is revoked, or of another site, or for a known key.
    """
    known = _known(db, new.device_id)
    if known["fixmedins_code"] != new.fixmedins_code:
        raise Conflict(f"device {new.device_id} belongs to site {known['fixmedins_code']}, not to {new.fixmedins_code}")
    _require_new(db, new)
    store.revoke_keys(db, new.device_id, why="replaced", now=now)
    store.put_windows(db, new.device_id, new.windows)
    store.add_key(db, _key_row(new, now))
    audit.record(
        db, now=now, actor=actor, action="device.replace_key", object=new.device_id, detail={"site": new.fixmedins_code, "kid": new.kid}
    )


def require_new_keys(db: Connection, *, sign_public: bytes, seal_public: bytes, tls_public: bytes | None = None) -> None:
    """Raises Conflict, naming key and device, for a key that any device has or had, revoked ones included: a key is never shared.

    The first two are raw 32 bytes, `tls_public` is SubjectPublicKeyInfo (DER).
    """
    tls = None if tls_public is None else tls_name(tls_public)
    for row in store.owners_of(db, sign_public=sign_public, seal_public=seal_public, tls_sha256=tls):
        shared = {"signing": row["sign_public"] == sign_public, "sealing": row["seal_public"] == seal_public, "TLS": True}
        which = next(name for name, is_shared in shared.items() if is_shared)
        raise Conflict(
            f"this {which} key already belongs to device {row['device_id']}: a key is never shared, nor used again; make a new one"
        )


def revoke_device(
    db: Connection, device_id: str, *, now: datetime, actor: str, why: str = "revoked", since: datetime | None = None
) -> None:
    """Trust nothing more that a device signs, let no broker admit it, and queue what it told since then for a second look (None: the last
    days, `LOOK_BACK`). Its name is never given again. `why` is a code. Raises NotFound, Conflict, or BadInput for a time to come.
    """
    _known(db, device_id)
    store.revoke(db, device_id, why=why, now=now)
    audit.record(db, now=now, actor=actor, action="device.revoke", object=device_id, detail={"why": why})
    _look_again(db, device_id, reason=f"revoked: {why}", since=now - LOOK_BACK if since is None else since, now=now, actor=actor)


def retire_device(db: Connection, device_id: str, *, why: str, now: datetime, actor: str) -> None:
    """The end in order of a device that nobody distrusts: as `revoke_device`, and nothing has to be looked at again."""
    _known(db, device_id)
    store.revoke(db, device_id, why=why, now=now)
    audit.record(db, now=now, actor=actor, action="device.revoke", object=device_id, detail={"why": why})


def _look_again(db: Connection, device_id: str, *, reason: str, since: datetime, now: datetime, actor: str) -> None:
    try:
        hotlist.distrust(db, HotKind.DEVICE, device_id, reason=reason, since=since, now=now, actor=actor)
    except Conflict:
        log.info("hotlist.listed_before", device=device_id)  # and since a time as early: its looks are queued


def _known(db: Connection, device_id: str) -> RowMapping:
    known = store.device(db, device_id)
    if known is None:
        raise NotFound(f"device {device_id} is not registered")
    if known["revoked_at"] is not None:
        raise Conflict(f"device {device_id} was revoked already: its name is never given again")
    return known


def _require_new(db: Connection, new: NewDevice) -> None:
    tls = None if new.certificate is None else tls_of(new.certificate)
    require_new_keys(db, sign_public=new.sign_public, seal_public=new.seal_public, tls_public=tls)


def _key_row(new: NewDevice, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(new, name) for name in ("kid", "device_id", "sign_public", "seal_public", "certificate")}
    tls = None if new.certificate is None else tls_name(tls_of(new.certificate))
    return row | {"tls_sha256": tls, "valid_from": now}


def key_history(db: Connection, device_id: str) -> tuple[KeyPeriod, ...]:
    """Every key that a device ever had, oldest first; none for one that is unknown."""
    return tuple(KeyPeriod(**{name: row[name] for name in KeyPeriod.__dataclass_fields__}) for row in store.keys_of(db, device_id))


def take_offer(db: Connection, keys: CentreKeys, offer: KeyOffer, *, kid: str, now: datetime) -> None:
    """Keep the keys that a device offers in its chain, signed with the key `kid`, beside the one that it uses, with a certificate for them.

    The same offer again changes nothing; a later one of the device replaces one that is not in use yet. Raises BadOffer; OldOffer where
    that key was replaced: below the handover it is good for events, and whoever stole it must not bring in keys by one.
    """
    offered = read_offer(offer)
    rows = store.good_keys(db, offer.device)
    if any(row["kid"] == offered.kid and row["seal_public"] == offered.seal_public for row in rows):
        return
    try:
        tls = spki(offered.tls_public)
        require_new_keys(db, sign_public=offered.sign_public, seal_public=offered.seal_public, tls_public=tls)
    except Conflict as error:
        raise BadOffer(str(error)) from None
    live = [row for row in rows if row["retired_at"] is None]
    if kid not in {row["kid"] for row in live}:
        raise OldOffer("it is signed with a key that was replaced")
    waiting = live[1:]
    if any((row["offered_epoch"], row["offered_seq"]) > (offer.epoch, offer.seq) for row in waiting):
        raise BadOffer("the device has offered other keys since")
    for row in waiting:
        store.change_key(db, row["kid"], {"revoked_at": now, "revoked_why": "superseded"})
    certificate = issue_client(keys.authority(), offered.tls_public, name=offer.device, now=now).decode()
    new = {"kid": offered.kid, "device_id": offer.device, "sign_public": offered.sign_public, "seal_public": offered.seal_public}
    place = {"offered_epoch": offer.epoch, "offered_seq": offer.seq, "valid_from": now}
    store.add_key(db, new | place | {"certificate": certificate, "tls_sha256": tls_name(tls)})
    audit.record(db, now=now, actor=offer.device, action="device.offer_key", object=offer.device, detail={"kid": offered.kid})


def note_use(db: Connection, key: DeviceKey, epoch: int, seq: int, *, now: datetime) -> bool:
    """An event of this number is signed with `key`: older keys of the device may have signed what lies below, and nothing else.

    The offer of the key was signed with the one before it, which therefore stays good up to there, whatever the new key signs. Says
    whether the device changed over with it: the first word of it, for whoever waits for that.
    """
    changed = False
    edge = max((epoch, seq - 1), (key.offered_epoch or 0, key.offered_seq or 0))
    for row in store.good_keys(db, key.device_id):
        if row["kid"] == key.kid:
            break
        last = row["last_epoch"], row["last_seq"]
        if row["last_epoch"] is None or last > edge:
            retired = {"retired_at": now} if row["retired_at"] is None else {}
            store.change_key(db, row["kid"], {"last_epoch": edge[0], "last_seq": edge[1]} | retired)
            changed = changed or row["retired_at"] is None
    if changed:
        audit.record(db, now=now, actor=key.device_id, action="device.change_key", object=key.device_id, detail={"kid": key.kid})
    return changed


def admissions(db: Connection) -> list[Admitted]:
    """Keys that were offered and are not in use yet: their devices are to be told of their certificates."""
    found, in_use = list[Admitted](), set[str]()
    for row in store.changing_keys(db):
        if row["device_id"] in in_use and row["certificate"]:
            found.append(Admitted(device_id=row["device_id"], kid=row["kid"], certificate=row["certificate"]))
        in_use.add(row["device_id"])
    return found


def certificates_ending(db: Connection, before: datetime) -> list[str]:
    """Devices whose certificate ends before then and that have offered no other key. Of one that nobody noted nothing is known."""
    live: dict[str, list[str | None]] = {}
    for row in store.certified_keys(db):
        if row["revoked_at"] is None and row["retired_at"] is None:
            live.setdefault(row["device_id"], []).append(row["certificate"])
    return [device_id for device_id, (first, *others) in live.items() if not others and first and ends_at(first) < before]


def passing_certificate(db: Connection, keys: CentreKeys, device_id: str, *, now: datetime, actor: str) -> bytes:
    """A certificate (PEM) of some days for the TLS key that a device has, where its own has ended: enrolled anew it could not deliver what
    it signed before. It is no secret. That the recorded one has ended stays on record, so the device is ordered to make new keys.

    Raises NotFound for a device that is unknown or revoked, and Conflict where its own is good still, not known, or of another authority.
    """
    row = store.key_row(db, current_key(db, device_id).kid)
    own = None if row is None else row["certificate"]
    if not own:
        raise Conflict(f"no certificate of device {device_id} was noted: enrol it again")
    if ends_at(own) > now:
        raise Conflict(f"the certificate of device {device_id} is good until {ends_at(own):%Y-%m-%d}: it needs no other")
    passing = reissue(keys.authority(), own.encode(), now=now, days=PASSING_DAYS)
    if passing is None:
        raise Conflict(f"another authority issued the certificate of device {device_id}: ask that one for a new one")
    audit.record(db, now=now, actor=actor, action="device.pass", object=device_id, detail={"days": PASSING_DAYS})
    return passing


def newest_change(db: Connection) -> tuple[object, ...]:
    """Another value after every change of who may connect; to ask whether `clients` has to be asked."""
    return store.newest_change(db)


def clients(db: Connection) -> Clients:
    """Who may connect to a broker now, and which certificates may not any more."""
    admitted: dict[str, list[str]] = {}
    cut_off: dict[int, datetime] = {}
    for row in store.certified_keys(db):
        certificate, over = row["certificate"], row["revoked_at"] or row["retired_at"]
        if over is None:
            mail = mail_in(certificate) if certificate else None
            admitted.setdefault(row["device_id"], []).append(mail or client_mail(row["device_id"]))
        elif certificate:
            cut_off[serial_of(certificate)] = over
    return Clients(devices={device: tuple(mails) for device, mails in admitted.items()}, cut_off=cut_off)


def key(db: Connection, kid: str) -> DeviceKey | None:
    """The trusted key with this thumbprint, or None."""
    return store.key(db, kid)


def signer(db: Connection, kid: str) -> DeviceKey | None:
    """The key with this thumbprint, whether it is trusted still or not; None for one that no device ever had."""
    return store.signer(db, kid)


def current_key(db: Connection, device_id: str) -> DeviceKey:
    """The key to seal to. Raises NotFound for a device that is unknown or revoked."""
    found = store.current_key(db, device_id)
    if found is None:
        raise NotFound(f"device {device_id} has no valid key")
    return found


def device_ids(db: Connection) -> list[str]:
    """Every device that may connect."""
    return store.device_ids(db)


def record_of(db: Connection, device_id: str) -> DeviceRecord:
    """One device, revoked or not. Raises NotFound."""
    row = store.device(db, device_id)
    if row is None:
        raise NotFound(f"device {device_id[:64]!r} is not registered")
    return DeviceRecord(**{name: row[name] for name in DeviceRecord.__dataclass_fields__})


def every_device(db: Connection) -> list[str]:
    """Every device that there ever was."""
    return store.every_device(db)


def windows_of(db: Connection, device_id: str) -> tuple[str, ...]:
    """The registered windows of a device; none for one that is unknown."""
    return store.windows_of(db).get(device_id, ())


def posts(db: Connection, fixmedins_code: str) -> list[Post]:
    """Every window that a site has or had, by device and window."""
    return [Post(**row) for row in store.posts(db, fixmedins_code)]


def enrolled(db: Connection, sites: Collection[str] | None = None) -> tuple[Enrolled, ...]:
    """Every device of these sites, or of all, revoked ones included."""
    return tuple(Enrolled(**row) for row in store.enrolled(db, sites))


def reported_settings(db: Connection, device_id: str) -> str | None:
    """The SHA-256 of the settings that the device's newest birth reported; None before its first."""
    state = store.state(db, device_id)
    return None if state is None else state["software"].get("settings_sha256")


def alive(db: Connection, now: datetime) -> frozenset[str]:
    """Devices that are connected, as far as the centre has heard."""
    return store.alive(db, now - SILENT_AFTER)


def note_state(db: Connection, state: Birth | Health | Death, *, now: datetime, replaced: bool = False) -> None:
    """Remember what a device said of itself.

    Connections only rise: a will or a late message of an earlier connection says nothing about the present one. What is signed with a key
    that was `replaced` begins none: whoever stole it could name one that the device never reaches.
    """
    known = store.state(db, state.device)
    if known is not None and _is_of_the_past(state, known):
        return
    if replaced and (known is None or (state.epoch, state.connection) != (known["epoch"], known["connection"])):
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
