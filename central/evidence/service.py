"""Take in sealed objects part by part, and open one for one view that is logged."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.errors import NotFound
from central.evidence import store
from central.evidence.objects import EvidenceStore
from central.keys import CentreKeys
from contract.events import MediaRef
from contract.media import MediaPart, media_id
from contract.sealed import picture_purpose, seal, shared_secret, unseal

_ERASED_AT_ONCE = 200


def announce(db: Connection, *, device_id: str, capture_id: str, refs: Sequence[MediaRef], now: datetime) -> None:
    """Expect the objects that a signed event names; `capture_id` is the capture that they belong to, else the event itself."""
    whose = {"device_id": device_id, "capture_id": capture_id}
    purpose = picture_purpose(device_id)
    store.announce(db, [_row(ref.media_id, ref.role, ref.size, purpose, now) | whose | {"content_type": ref.content_type} for ref in refs])


def take_part(db: Connection, files: EvidenceStore, part: MediaPart, body: bytes, *, now: datetime) -> bool:
    """Keep a verified part; True once its object is stored whole.

    Parts of an object that no capture of this device announced are not kept: the device sends them again after its event. Those of one
    that was erased before it came are not kept either, and the device is told that it need not send them again.
    """
    row = store.one(db, part.media_id)
    if row is None or row["device_id"] != part.device or row["size"] != part.size:
        return False
    if row["stored_at"] is not None or row["erased_at"] is not None:
        return True
    kept = {"media_id": part.media_id, "device_id": part.device, "part_index": part.index, "part_count": part.count}
    store.keep_part(db, {**kept, "body": body, "received_at": now})
    if store.parts_held(db, part.media_id, part.device) < part.count:
        return False
    sealed = store.join_parts(db, part.media_id, part.device)
    store.drop_parts(db, part.media_id, part.device)
    if media_id(sealed) != part.media_id:
        return False
    files.put(part.media_id, sealed)
    store.mark_stored(db, part.media_id, now=now)
    return True


def give_up(db: Connection, device_id: str, names: Sequence[str]) -> None:
    """Forget the parts of objects that this device will never send whole; what is stored already stays."""
    for name in names:
        store.drop_parts(db, name, device_id)


def awaited(db: Connection, device_id: str) -> int:
    """How many objects this device announced that are not here."""
    return store.awaited(db, device_id)


def keep_own(db: Connection, files: EvidenceStore, keys: CentreKeys, plain: bytes, *, purpose: str, role: str, now: datetime) -> str:
    """Seal and store an object that came to the centre in clear (an enrolment picture); its media_id."""
    sealed = seal(plain, keys.seal_public, purpose)
    name = media_id(sealed)
    files.put(name, sealed)
    store.announce(db, [_row(name, role, len(sealed), purpose, now) | {"device_id": None, "capture_id": None, "stored_at": now}])
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """One step of erasing: how many objects went, and the name to go on behind; None when no more are due."""

    count: int
    after: str | None


def erase_some(
    db: Connection, files: EvidenceStore, *, before: datetime, keep: Collection[str], after: str = "", actor: str, now: datetime
) -> Erased:
    """Erase sealed pictures and film that devices announced before then, but for those of captures in `keep`; a page at a time.

    The bytes go first: should this end in between, they are gone and are noted the next time. That they were here stays known, and the
    audit log names what went. Enrolment pictures are not touched.
    """
    rows = store.erasable(db, before, after=after, limit=_ERASED_AT_ONCE)
    due = [row["media_id"] for row in rows if row["capture_id"] not in keep]
    for name in due:
        files.remove(name)
    if due:
        store.mark_erased(db, due, now=now)
        detail: dict[str, JsonValue] = {"why": "retention", "announced_before": before.isoformat(), "objects": [*due]}
        audit.record(db, now=now, actor=actor, action="evidence.erase", object=f"{len(due)} objects", detail=detail)
    return Erased(count=len(due), after=rows[-1]["media_id"] if len(rows) == _ERASED_AT_ONCE else None)


def erase(db: Connection, files: EvidenceStore, media_ids: Sequence[str], *, why: str, actor: str, now: datetime) -> tuple[str, ...]:
    """Erase these objects, whatever they are; the names of those that were here and went, which the audit log keeps too.

    One that is still on its way is erased in advance: whatever comes of it is thrown away.

    The caller has made sure that nothing holds them.
    """
    gone = tuple(name for name in media_ids if (row := store.one(db, name)) is not None and is_here(row))
    store.expect_no_more(db, media_ids, now=now)
    for name in gone:
        files.remove(name)
    if gone:
        store.mark_erased(db, gone, now=now)
        detail: dict[str, JsonValue] = {"why": why, "objects": [*gone]}
        audit.record(db, now=now, actor=actor, action="evidence.erase", object=f"{len(gone)} objects", detail=detail)
    return gone


def is_here(row: RowMapping) -> bool:
    """Whether the object of this row can be opened: it came, and was not erased."""
    return row["stored_at"] is not None and row["erased_at"] is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """What was sealed, and as what it was announced: image/jpeg or video/webm."""

    content: bytes
    content_type: str


def open_media(db: Connection, keys: CentreKeys, files: EvidenceStore, *, media_id: str, actor: str, now: datetime, why: str) -> Plain:
    """A sealed picture or clip, opened for one view. Writes who looked and why in the same transaction.

    Raises NotFound if it is unknown or not yet here, and Untrusted if the stored bytes are not what was sealed.
    """
    row = _here(db, media_id)
    plain = unseal(files.get(media_id), keys.seal_private, row["purpose"])
    log_view(db, media_id, actor=actor, now=now, why=why)
    return Plain(content=plain, content_type=row["content_type"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A sealed object, what it holds, and the secret of this one seal, by which anybody can check that the one is the other."""

    sealed: bytes
    content: bytes
    content_type: str
    purpose: str
    secret: bytes


def open_for_proof(db: Connection, keys: CentreKeys, files: EvidenceStore, media_id: str) -> Opening:
    """Open an object so that a stranger can check it. Logs nothing: the caller has logged who receives it. Raises as `open_media`."""
    row = _here(db, media_id)
    sealed = files.get(media_id)
    return Opening(
        sealed=sealed,
        content=unseal(sealed, keys.seal_private, row["purpose"]),
        content_type=row["content_type"],
        purpose=row["purpose"],
        secret=shared_secret(sealed, keys.seal_private),
    )


def log_view(db: Connection, media_id: str, *, actor: str, now: datetime, why: str) -> None:
    """Write into the audit log who gets to see an object and why. Raises NotFound if it is not here."""
    row = _here(db, media_id)
    detail = {"why": why, "capture_id": row["capture_id"], "role": row["role"]}
    audit.record(db, now=now, actor=actor, action="picture.view", object=media_id, detail=detail)


def of_capture(db: Connection, capture_id: str) -> Sequence[Any]:
    """Rows (media_id, role, stored_at, erased_at) of one capture's objects."""
    return store.of_capture(db, capture_id)


def _here(db: Connection, media_id: str) -> RowMapping:
    row = store.one(db, media_id)
    if row is None or not is_here(row):
        gone = "" if row is None or row["erased_at"] is None else f": its time was over, it was erased at {row['erased_at']:%Y-%m-%d %H:%M}"
        raise NotFound(f"picture {media_id[:80]!r} is not here{gone}")
    return row


def _row(name: str, role: str, size: int, purpose: str, now: datetime) -> dict[str, Any]:
    return {"media_id": name, "role": role, "content_type": "image/jpeg", "size": size, "purpose": purpose, "announced_at": now}
