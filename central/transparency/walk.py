"""A walk over the whole log: leaves, tiles, the signed checkpoint, every co-signature and every anchor, each from the ground up."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from sqlalchemy import Connection

from central.keys import CentreKeys
from central.transparency import store
from central.transparency.model import LogReport
from central.transparency.tree import EMPTY, WIDTH, Tile, TornTile, Tree, grow
from contract.checkpoints import VerifierKey, open_note, read, read_signatures, signed_by
from contract.sealed import Untrusted

_AT_ONCE = 64 * WIDTH
_MOST_FAULTS = 20

Progress = Callable[[str], None]


def verify(db: Connection, keys: CentreKeys, witnesses: Iterable[VerifierKey], progress: Progress = lambda _: None) -> LogReport:
    """Compute the tree anew from the leaves and compare all that was signed or stored with it. Writes nothing.

    It finds what was changed since it was signed. That the signed history itself is the one which others were shown is for witnesses,
    devices and known checkpoints to say; their words are compared here too.
    """
    faults = list[str]()
    head = store.newest(db)
    size, root = (0, EMPTY) if head is None else (head.checkpoint.size, head.checkpoint.root)
    if head is not None:
        faults += _of_note(head.note, VerifierKey.parse(keys.log_vkey))
    faults += _of_leaves(db, size, root, progress)
    tree = Tree(partial(store.tile, db))
    cosignatures, wrong = _of_cosignatures(db, tree, {key.name: key for key in witnesses})
    anchors = store.anchors(db)
    for anchor in anchors:
        if anchor.size > size or _root(tree, anchor.size) != anchor.root:
            wrong.append(f"device {anchor.device_id} has seen a tree of {anchor.size} leaves that is not this one")
    return LogReport(
        size=size,
        root=root.hex(),
        waiting=store.count_pending(db),
        cosignatures=cosignatures,
        anchors=len(anchors),
        forgotten=store.count_forgotten(db),
        faults=tuple((faults + wrong)[:_MOST_FAULTS]),
    )


def _of_note(note: str, key: VerifierKey) -> Iterator[str]:
    try:
        open_note(note, key)
    except Untrusted as error:
        yield f"the newest checkpoint: {error}"


def _of_leaves(db: Connection, size: int, root: bytes, progress: Progress) -> Iterator[str]:
    """Grow a tree of our own, some thousand leaves at a time, and hold each tile that is finished or last against the stored one."""
    edge: dict[Tile, bytes] = {}
    for first in range(0, size, _AT_ONCE):
        leaves = store.leaves(db, first, min(size, first + _AT_ONCE))
        if len(leaves) != min(size, first + _AT_ONCE) - first:
            yield f"a leaf between {first} and {min(size, first + _AT_ONCE) - 1} is missing"
            return
        grown = grow(first, [leaf.hash for leaf in leaves], partial(_tile_of, edge))
        yield from (f"tile {level}/{number} is not that of the leaves" for level, number in _unlike(db, grown))
        edge = {tile: hashes for tile, hashes in (edge | grown).items() if len(hashes) < WIDTH * 32 or tile == (tile[0], 0)}
        progress(f"{first + len(leaves)} of {size} leaves checked")
    if size and (found := Tree(partial(_tile_of, edge)).root(size)) != root:
        yield f"the leaves lead to root {found.hex()}, signed is {root.hex()}"
    if extra := store.extra_leaves(db):
        yield f"{extra} leaves have a place behind the signed tree"


def _tile_of(edge: Mapping[Tile, bytes], level: int, number: int) -> bytes:
    return edge.get((level, number), b"")


def _unlike(db: Connection, grown: Mapping[Tile, bytes]) -> Iterator[Tile]:
    return (tile for tile, hashes in grown.items() if not store.tile(db, *tile).startswith(hashes))


def _of_cosignatures(db: Connection, tree: Tree, known: Mapping[str, VerifierKey]) -> tuple[int, list[str]]:
    count, wrong = 0, list[str]()
    for note, line in store.cosigned_checkpoints(db):
        checkpoint, (signature,) = read(note)[0], read_signatures(line)
        key = known.get(signature.name)
        count += 1
        if key is None:
            continue
        if signed_by(checkpoint, signature, key) is None:
            wrong.append(f"the co-signature of {signature.name} at {checkpoint.size} leaves is false")
        if _root(tree, checkpoint.size) != checkpoint.root.hex():
            wrong.append(f"{signature.name} co-signed a tree of {checkpoint.size} leaves that is not this one")
    return count, wrong


def _root(tree: Tree, size: int) -> str | None:
    try:
        return tree.root(size).hex()
    except TornTile:
        return None
