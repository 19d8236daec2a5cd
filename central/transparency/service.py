"""The transparency log: append in the caller's transaction, give places and sign about once a second, prove whatever was logged.

Whoever holds one signed checkpoint can tell whether a later tree is its continuation, so that a history that was rewritten, shortened or
shown differently to different people is found: by witnesses, by devices, by auditors.
"""

import os
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from central.errors import BadInput, NotFound
from central.keys import CentreKeys
from central.transparency import store
from central.transparency.model import SALT, Anchor, Entry, Leaf, LogBroken, Proof, Signed, WitnessState, checked, commit
from central.transparency.tree import EMPTY, TornTile, Tree, grow
from contract.checkpoints import Checkpoint, Signature, VerifierKey, sign, signed_by
from contract.sealed import Untrusted

AT_ONCE = 20_000
"""Leaves that get their places in one transaction: some tenths of a second."""
_KEEP_UNWITNESSED = timedelta(days=1)
_CLOCKS_DIFFER = timedelta(minutes=10)
_FAULT = 300


def append(db: Connection, kind: str, ref: str, content: bytes, *, at: datetime) -> None:
    """Log that this content was here. The caller owns the transaction: the leaf is there exactly when what it tells is.

    It waits for its place until `integrate`. The log keeps a salted commitment, never the content.
    """
    append_many(db, [Entry(kind=kind, ref=ref, content=content)], at=at)


def append_many(db: Connection, entries: Sequence[Entry], *, at: datetime) -> None:
    """The same for many at once, in this order."""
    if entries:
        salts = os.urandom(SALT * len(entries))
        store.add_pending(db, at, [_new_leaf(entry, salts[SALT * n : SALT * (n + 1)], at) for n, entry in enumerate(entries)])


def integrate(db: Connection, keys: CentreKeys, now: datetime, *, limit: int = AT_ONCE) -> Checkpoint | None:
    """Give the oldest waiting leaves their places and sign the grown tree; None where nothing waits.

    One sequencer at a time; a crash leaves either all of it or nothing. Raises LogBroken, and signs nothing, where the tree that is here
    is not the one that was signed last.
    """
    store.lock(db)
    head = store.newest(db)
    size = 0 if head is None else head.checkpoint.size
    read = partial(store.tile, db)
    if head is not None:
        _require_unchanged(db, head, keys)
    leaves = store.take_pending(db, limit)
    if not leaves:
        return None
    store.add_leaves(db, size, leaves)
    store.put_tiles(db, grow(size, [leaf.hash for leaf in leaves], read))
    tree = Tree(read)
    grown = Checkpoint(origin=keys.log_origin, size=size + len(leaves), root=tree.root(size + len(leaves)))
    if head is not None and tree.root(size) != head.checkpoint.root:
        raise LogBroken(f"the tree of {grown.size} leaves does not continue the signed one of {size}")
    store.add_checkpoint(db, Signed(checkpoint=grown, note=sign(grown, keys.log_private), signed_at=now))
    store.thin_checkpoints(db, now - _KEEP_UNWITNESSED, grown.size)
    return grown


def _require_unchanged(db: Connection, head: Signed, keys: CentreKeys) -> None:
    size, origin = head.checkpoint.size, head.checkpoint.origin
    if origin != keys.log_origin:
        raise LogBroken(f"the log is {origin}, but the key of the centre is that of {keys.log_origin}: put back its log.pem")
    try:
        root = Tree(partial(store.tile, db)).root(size)
    except TornTile as error:
        raise LogBroken(f"the signed tree of {size} leaves cannot be read: {error}") from None
    if root != head.checkpoint.root:
        raise LogBroken(f"the tree of {size} leaves is not the one that was signed: restore the database, then run `central log verify`")


def newest(db: Connection) -> Signed | None:
    """The newest checkpoint, with the log's own signature only; None in an empty log."""
    return store.newest(db)


def newest_cosigned(db: Connection) -> Signed | None:
    """The newest checkpoint that a witness co-signed."""
    return store.newest_cosigned(db)


def checkpoint(db: Connection) -> str:
    """The newest checkpoint as a signed note, with the lines of witnesses that co-signed this very one. Raises NotFound in an empty log."""
    return _note(db, _head(db))


def proof(db: Connection, kind: str, ref: str) -> Proof | None:
    """That this is in the log, below the newest co-signed checkpoint that covers it, else below the newest. None if it has no place yet."""
    found = store.find(db, kind, ref)
    if found is None:
        return None
    index, leaf = found
    signed = store.newest_cosigned(db)
    if signed is None or signed.checkpoint.size <= index:
        signed = _head(db)
    return _proof(db, index, leaf, signed)


def _proof(db: Connection, index: int, leaf: Leaf, signed: Signed) -> Proof:
    size = signed.checkpoint.size
    path = Tree(partial(store.tile, db)).inclusion(index, size)
    said = {"kind": leaf.kind, "ref": leaf.ref, "leaf": leaf.data, "salt": leaf.salt}
    return Proof(**said, index=index, path=path, size=size, checkpoint=_note(db, signed))  # type: ignore[arg-type]


def waits(db: Connection, kind: str, ref: str) -> bool:
    """Whether something was appended and has no place yet."""
    return store.waits(db, kind, ref)


def consistency(db: Connection, first: int, second: int) -> tuple[bytes, ...]:
    """That the tree of `second` leaves begins with that of `first`. Raises BadInput for sizes that this log has not reached."""
    size = _head(db).checkpoint.size
    if not 0 <= first <= second <= size:
        raise BadInput(f"no proof from {first} to {second} leaves: the log has {size}, and the first size comes first")
    return Tree(partial(store.tile, db)).consistency(first, second)


def root(db: Connection, size: int) -> bytes:
    """The root of the first `size` leaves. Raises BadInput beyond the newest checkpoint."""
    head = store.newest(db)
    if size < 0 or size > (0 if head is None else head.checkpoint.size):
        raise BadInput(f"the log has not {size} leaves")
    return Tree(partial(store.tile, db)).root(size) if size else EMPTY


def find(db: Connection, kind: str, ref: str) -> tuple[int, Leaf] | None:
    """The place and the leaf of this name; None if it has no place yet."""
    return store.find(db, kind, ref)


def leaves(db: Connection, first: int, end: int) -> list[Leaf]:
    """Leaves by their places, in order."""
    return store.leaves(db, first, end)


def opens(db: Connection, kind: str, ref: str, content: bytes) -> bool | None:
    """Whether the leaf of this name commits to this content; None where its salt was erased. Raises NotFound if there is none."""
    found = store.find(db, kind, ref)
    if found is None:
        raise NotFound(f"{kind} {ref[:100]!r} has no place in the log")
    return found[1].opens(content)


def forget(db: Connection, kind: str, ref: str) -> bool:
    """Erase the salt: nobody can show any more, or guess, what the leaf was about; the log stays whole. False if it was erased before.

    The content itself is erased by whoever keeps it, in the same transaction. Cannot be undone.
    """
    return store.erase_salt(db, kind, ref) > 0


def tile(db: Connection, level: int, number: int) -> bytes:
    """The hashes of a tile as far as it is filled."""
    return store.tile(db, level, number)


def keep_cosignature(db: Connection, checkpoint: Checkpoint, line: Signature, key: VerifierKey, *, now: datetime) -> None:
    """Keep what a witness signed below one of our checkpoints. Raises Untrusted for one that is not its own, false, or of another time."""
    at = signed_by(checkpoint, line, key)
    if at is None:
        raise Untrusted(f"the answer of {key.name} carries no valid co-signature of it")
    if abs(at - now.timestamp()) > _CLOCKS_DIFFER.total_seconds():
        raise Untrusted(f"{key.name} says to have signed {at - now.timestamp():+.0f} s from now: one of the clocks is wrong")
    store.add_cosignature(db, checkpoint.size, key.name, line.line, datetime.fromtimestamp(at, UTC))


def note_witness(db: Connection, name: str, size: int, *, now: datetime, fault: str | None) -> None:
    """Remember how far a witness has co-signed and what went wrong this time."""
    store.put_witness(db, name, size, now, None if fault is None else fault[:_FAULT])


def note_listener(db: Connection, device_id: str, key_id: str | None) -> None:
    """Remember from a birth whether the device reads checkpoints (the id of the log's key that it holds) or does not (None)."""
    store.put_listener(db, device_id, key_id)


def listeners(db: Connection, device_ids: Collection[str], keys: CentreKeys) -> frozenset[str]:
    """Those of these devices that read checkpoints of this log; to others none may be sent, for they would refuse the whole message."""
    return store.listeners(db, device_ids, VerifierKey.parse(keys.log_vkey).key_id.hex()) if device_ids else frozenset()


def note_anchor(db: Connection, device_id: str, size: int, root_said: str, *, said_at: datetime) -> bool:
    """Remember which checkpoint a device said to have seen; whether it is one of this log."""
    head = store.newest(db)
    fits = head is not None and size <= head.checkpoint.size and root(db, size).hex() == root_said
    store.put_anchor(db, Anchor(device_id=device_id, size=size, root=root_said, said_at=said_at, fits=fits))
    return fits


def anchors(db: Connection, limit: int | None = None) -> list[Anchor]:
    """What each device said last, those first that do not fit, then those that said nothing for longest."""
    return store.anchors(db, limit)


def count_anchors(db: Connection) -> int:
    """How many devices have said what they saw."""
    return store.count_anchors(db)


def witnesses(db: Connection) -> list[WitnessState]:
    """How each witness answered last."""
    return [WitnessState(**row) for row in store.witness_rows(db)]


def count_pending(db: Connection) -> int:
    """How many leaves wait for a place."""
    return store.count_pending(db)


def _new_leaf(entry: Entry, salt: bytes, at: datetime) -> Leaf:
    checked(entry)
    return Leaf(kind=entry.kind, ref=entry.ref, at=at, commitment=commit(salt, entry.content), salt=salt)


def _head(db: Connection) -> Signed:
    head = store.newest(db)
    if head is None:
        raise NotFound("the log is empty: its first checkpoint is signed within seconds of the first entry, while `central ingest` runs")
    return head


def _note(db: Connection, signed: Signed) -> str:
    return signed.note + "".join(store.cosignatures(db, signed.checkpoint.size))
