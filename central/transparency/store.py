"""All SQL of the transparency log."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, delete, func, insert, select, text, update

from central.db import to_micros, upsert
from central.transparency.model import SALT, Anchor, Leaf, Signed
from central.transparency.tables import (
    log_anchors,
    log_checkpoints,
    log_cosignatures,
    log_leaves,
    log_listeners,
    log_pending,
    log_tiles,
    log_witnesses,
)
from central.transparency.tree import Tile
from contract.checkpoints import read

ERASED = bytes(SALT)
"""Stands for a salt that was erased while its leaf waited; no random salt is ever this one."""
_CHUNK = 500
_ADD_PACKED = f"""
INSERT INTO log_leaves (place, kind, ref, at, commitment, salt)
SELECT %(first)s + n - 1, split_part(name, ' ', 1), split_part(name, ' ', 2), at::bigint,
    substring(%(commitments)s::bytea FROM ({SALT} * (n - 1) + 1)::int FOR {SALT}),
    nullif(substring(%(salts)s::bytea FROM ({SALT} * (n - 1) + 1)::int FOR {SALT}), '\\x{ERASED.hex()}'::bytea)
FROM unnest(string_to_array(%(names)s, E'\\n'), string_to_array(%(times)s, ',')) WITH ORDINALITY AS packed (name, at, n)
"""  # noqa: S608 - no foreign text


def lock(db: Connection) -> None:
    """Keep other sequencers away until this transaction ends; SQLite's write transaction has done so already."""
    if db.dialect.name == "postgresql":
        db.execute(text("LOCK TABLE log_checkpoints IN SHARE ROW EXCLUSIVE MODE"))


def add_pending(db: Connection, at: datetime, leaves: Sequence[Leaf]) -> None:
    """Leaves of one moment that wait for a place, as one row."""
    names = "".join(f"{leaf.kind} {leaf.ref}\n" for leaf in leaves)
    packed = {"commitments": b"".join(leaf.commitment for leaf in leaves), "salts": b"".join(leaf.salt or ERASED for leaf in leaves)}
    db.execute(insert(log_pending).values(at=at, leaves=len(leaves), names=names, **packed))


def take_pending(db: Connection, limit: int) -> list[Leaf]:
    """Take the oldest waiting leaves out: whole rows, one at least, and no more than reach the limit.

    What another transaction has not committed yet is not seen, and is taken next time.
    """
    oldest = db.execute(select(log_pending.c.pending_id, log_pending.c.leaves).order_by(log_pending.c.pending_id).limit(limit)).all()
    before = accumulate((row.leaves for row in oldest), initial=0)
    chosen = [row.pending_id for row, so_far in zip(oldest, before, strict=False) if so_far < limit]
    taken = list[RowMapping]()
    for start in range(0, len(chosen), _CHUNK):
        some = log_pending.c.pending_id.in_(chosen[start : start + _CHUNK])
        taken += db.execute(delete(log_pending).where(some).returning(log_pending)).mappings().all()
    return [leaf for row in sorted(taken, key=lambda row: row["pending_id"]) for leaf in _unpacked(row)]


def count_pending(db: Connection) -> int:
    """How many leaves wait."""
    return db.scalar(select(func.coalesce(func.sum(log_pending.c.leaves), 0))) or 0


def add_leaves(db: Connection, first: int, leaves: Sequence[Leaf]) -> None:
    """Leaves with their places, from `first` on. A place that is taken already is refused by the key.

    Written without the work of toolkit and driver for each value, which would take longer than the database does.
    """
    if db.dialect.name == "postgresql":
        names = "\n".join(f"{leaf.kind} {leaf.ref}" for leaf in leaves)
        times = ",".join(str(to_micros(leaf.at)) for leaf in leaves)
        commitments, salts = b"".join(leaf.commitment for leaf in leaves), b"".join(leaf.salt or ERASED for leaf in leaves)
        db.exec_driver_sql(_ADD_PACKED, {"first": first, "names": names, "times": times, "commitments": commitments, "salts": salts})
    else:
        rows = [(first + n, leaf.kind, leaf.ref, to_micros(leaf.at), leaf.commitment, leaf.salt) for n, leaf in enumerate(leaves)]
        db.exec_driver_sql("INSERT INTO log_leaves (place, kind, ref, at, commitment, salt) VALUES (?, ?, ?, ?, ?, ?)", rows)


def leaves(db: Connection, first: int, end: int) -> list[Leaf]:
    """The leaves at these places, in order; fewer if some are missing."""
    rows = db.execute(select(log_leaves).where(log_leaves.c.place >= first, log_leaves.c.place < end).order_by(log_leaves.c.place))
    return [_leaf(row) for row in rows.mappings()]


def find(db: Connection, kind: str, ref: str) -> tuple[int, Leaf] | None:
    """The first leaf of this name with its place; None if there is none that has a place."""
    same = (log_leaves.c.ref == ref) & (log_leaves.c.kind == kind)
    row = db.execute(select(log_leaves).where(same).order_by(log_leaves.c.place).limit(1)).mappings().first()
    return None if row is None else (row["place"], _leaf(row))


def waits(db: Connection, kind: str, ref: str) -> bool:
    """Whether a leaf of this name has no place yet."""
    return any(f"{kind} {ref}" in row["names"].splitlines() for row in _pending_with(db, ref))


def extra_leaves(db: Connection) -> int:
    """How many leaves have a place beyond the signed ones of this moment: none, unless somebody else wrote here."""
    signed = select(func.coalesce(func.max(log_checkpoints.c.size), 0)).scalar_subquery()
    return db.scalar(select(func.count()).select_from(log_leaves).where(log_leaves.c.place >= signed)) or 0


def count_forgotten(db: Connection) -> int:
    """How many salts are gone."""
    return db.scalar(select(func.count()).select_from(log_leaves).where(log_leaves.c.salt.is_(None))) or 0


def erase_salt(db: Connection, kind: str, ref: str) -> int:
    """Erase the salts of every leaf of this name, waiting ones first, for one that gets its place meanwhile is then found there."""
    done = 0
    for row in _pending_with(db, ref):
        leaves = _unpacked(row)
        salts = [ERASED if (leaf.kind, leaf.ref) == (kind, ref) else leaf.salt or ERASED for leaf in leaves]
        done += sum(leaf.salt is not None and salt == ERASED for leaf, salt in zip(leaves, salts, strict=True))
        db.execute(update(log_pending).where(log_pending.c.pending_id == row["pending_id"]).values(salts=b"".join(salts)))
    same = (log_leaves.c.ref == ref) & (log_leaves.c.kind == kind) & log_leaves.c.salt.is_not(None)
    return done + db.execute(update(log_leaves).where(same).values(salt=None)).rowcount


def _pending_with(db: Connection, ref: str) -> Sequence[RowMapping]:
    """Waiting rows that may hold this name, locked until the transaction ends: few rows wait at any time."""
    found = log_pending.c.names.contains(ref, autoescape=True)
    return db.execute(select(log_pending).where(found).order_by(log_pending.c.pending_id).with_for_update()).mappings().all()


def tile(db: Connection, level: int, number: int) -> bytes:
    """The hashes of a tile as far as it is filled; none of one that is not there."""
    found = db.scalar(select(log_tiles.c.hashes).where(log_tiles.c.level == level, log_tiles.c.number == number))
    return bytes(found or b"")


def put_tiles(db: Connection, tiles: Mapping[Tile, bytes]) -> None:
    """Write tiles that have grown."""
    rows = [{"level": level, "number": number, "hashes": hashes} for (level, number), hashes in tiles.items()]
    upsert(db, log_tiles, rows, ["level", "number"])


def newest(db: Connection) -> Signed | None:
    """The newest checkpoint."""
    return _signed(db.execute(select(log_checkpoints).order_by(log_checkpoints.c.size.desc()).limit(1)).first())


def newest_cosigned(db: Connection) -> Signed | None:
    """The newest checkpoint that a witness has co-signed."""
    size = select(func.max(log_cosignatures.c.size)).scalar_subquery()
    return _signed(db.execute(select(log_checkpoints).where(log_checkpoints.c.size == size)).first())


def add_checkpoint(db: Connection, signed: Signed) -> None:
    """Keep a new checkpoint. The key refuses a second one of the same size."""
    row = {"size": signed.checkpoint.size, "root": signed.checkpoint.root.hex(), "note": signed.note, "signed_at": signed.signed_at}
    db.execute(insert(log_checkpoints).values(row))


def thin_checkpoints(db: Connection, before: datetime, keep: int) -> None:
    """Drop checkpoints of before then that no witness co-signed, but the newest, of size `keep`: each root can be computed again."""
    cosigned = select(log_cosignatures.c.size)
    old = (log_checkpoints.c.signed_at < before) & (log_checkpoints.c.size != keep)
    db.execute(delete(log_checkpoints).where(old, log_checkpoints.c.size.not_in(cosigned)))


def add_cosignature(db: Connection, size: int, witness: str, line: str, at: datetime) -> None:
    """Keep what a witness signed; a later one of the same size replaces it."""
    upsert(db, log_cosignatures, [{"size": size, "witness": witness, "line": line, "at": at}], ["size", "witness"])


def cosignatures(db: Connection, size: int) -> list[str]:
    """The lines that witnesses signed below the checkpoint of this size."""
    same = log_cosignatures.c.size == size
    return list(db.scalars(select(log_cosignatures.c.line).where(same).order_by(log_cosignatures.c.witness)))


def cosigned_checkpoints(db: Connection) -> Iterator[tuple[str, str]]:
    """(note, line) of every co-signature, the oldest first."""
    both = select(log_checkpoints.c.note, log_cosignatures.c.line).join(log_cosignatures, log_cosignatures.c.size == log_checkpoints.c.size)
    for row in db.execute(both.order_by(log_checkpoints.c.size).execution_options(yield_per=1000)):
        yield row.note, row.line


def put_witness(db: Connection, witness: str, size: int, asked_at: datetime, fault: str | None) -> None:
    """How a witness answered last."""
    upsert(db, log_witnesses, [{"witness": witness, "size": size, "asked_at": asked_at, "fault": fault}], ["witness"])


def witness_rows(db: Connection) -> Sequence[RowMapping]:
    """Each witness with the time of its newest co-signature."""
    newest_at = select(func.max(log_cosignatures.c.at)).where(log_cosignatures.c.witness == log_witnesses.c.witness)
    query = select(log_witnesses, newest_at.scalar_subquery().label("cosigned_at")).order_by(log_witnesses.c.witness)
    return db.execute(query).mappings().all()


def put_listener(db: Connection, device_id: str, key_id: str | None) -> None:
    """Whether a device reads checkpoints, and by which key."""
    if key_id is None:
        db.execute(delete(log_listeners).where(log_listeners.c.device_id == device_id))
    else:
        upsert(db, log_listeners, [{"device_id": device_id, "key_id": key_id}], ["device_id"])


def listeners(db: Connection, device_ids: Collection[str], key_id: str) -> frozenset[str]:
    """Those of these devices that read checkpoints by this key."""
    ours = log_listeners.c.device_id.in_(list(device_ids)) & (log_listeners.c.key_id == key_id)
    return frozenset(db.scalars(select(log_listeners.c.device_id).where(ours)))


def put_anchor(db: Connection, anchor: Anchor) -> None:
    """The newest word of a device."""
    upsert(db, log_anchors, [{name: getattr(anchor, name) for name in Anchor.__dataclass_fields__}], ["device_id"])


def anchors(db: Connection, limit: int | None = None) -> list[Anchor]:
    """The newest word of each device, those that do not fit and the oldest first."""
    rows = db.execute(select(log_anchors).order_by(log_anchors.c.fits, log_anchors.c.said_at).limit(limit)).mappings()
    return [Anchor(**row) for row in rows]


def count_anchors(db: Connection) -> int:
    """How many devices have said what they saw."""
    return db.scalar(select(func.count()).select_from(log_anchors)) or 0


def _unpacked(row: RowMapping) -> list[Leaf]:
    found, commitments, salts = list[Leaf](), bytes(row["commitments"]), bytes(row["salts"])
    for number, name in enumerate(row["names"].splitlines()):
        kind, _, ref = name.partition(" ")
        part = slice(SALT * number, SALT * (number + 1))
        salt = salts[part]
        found.append(Leaf(kind=kind, ref=ref, at=row["at"], commitment=commitments[part], salt=None if salt == ERASED else salt))
    return found


def _leaf(row: Mapping[Any, Any]) -> Leaf:
    salt = None if row["salt"] is None else bytes(row["salt"])
    return Leaf(kind=row["kind"], ref=row["ref"], at=row["at"], commitment=bytes(row["commitment"]), salt=salt)


def _signed(row: Row[Any] | None) -> Signed | None:
    return None if row is None else Signed(checkpoint=read(row.note)[0], note=row.note, signed_at=row.signed_at)
