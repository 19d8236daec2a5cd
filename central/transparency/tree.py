"""The Merkle tree of RFC 6962 over tiles of 256 hashes (C2SP tlog-tiles): growing it, its root at any size, and proofs. Pure.

A tile of level n holds hashes of complete subtrees of 256**n leaves each, the oldest first. Tiles only grow, so that any earlier tree is
a part of the present one and every proof is read from a few of them: at 80 million leaves from eight at most.
"""

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256

HASH = 32
HEIGHT = 8
WIDTH = 1 << HEIGHT
TILE_BYTES = WIDTH * HASH
EMPTY = sha256(b"").digest()
"""The root of no leaves."""

Tile = tuple[int, int]
"""(level, number), both from 0."""
ReadTile = Callable[[int, int], bytes]


class BadProof(ValueError):
    """A proof does not show what it should."""


class TornTile(ValueError):
    """A tile does not hold the hashes that the size of the tree needs."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one entry; the prefix keeps it apart from every node."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash above two neighbours."""
    return sha256(b"\x01" + left + right).digest()


def grow(size: int, hashes: Sequence[bytes], read: ReadTile) -> dict[Tile, bytes]:
    """The tiles, whole, that change when leaves with these hashes follow the first `size` ones. `read` gives the tiles as they are."""
    changed: dict[Tile, bytes] = {}
    level, begin, row = 0, size, b"".join(hashes)
    while row:
        first, kept = divmod(begin, WIDTH)
        row = (_part(read(level, first), 0, kept) if kept else b"") + row
        tiles = [row[at : at + TILE_BYTES] for at in range(0, len(row), TILE_BYTES)]
        changed |= {(level, first + place): tile for place, tile in enumerate(tiles)}
        level, begin, row = level + 1, first, b"".join(_whole(tile) for tile in tiles if len(tile) == TILE_BYTES)
    return changed


class Tree:
    """Roots and proofs read from tiles, each of them read once. An object is good for one look: it does not see the tree grow."""

    def __init__(self, read: ReadTile) -> None:
        """`read` is asked for tiles by level and number; one that is missing is empty."""
        self._tile = cache(read)

    def root(self, size: int) -> bytes:
        """MTH(D[size]) of RFC 6962, 2.1. Raises TornTile if the tiles hold fewer leaves."""
        return self._span(0, size) if size else EMPTY

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """PATH(index, D[size]) of RFC 6962, 2.1.1: the neighbours on the way from the leaf to the root."""
        if not 0 <= index < size:
            raise ValueError(f"leaf {index} is not among the first {size}")
        path, low, high = list[bytes](), 0, size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._span(middle, high))
                high = middle
            else:
                path.append(self._span(low, middle))
                low = middle
        return tuple(reversed(path))

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """PROOF(first, D[second]) of RFC 6962, 2.1.2; empty where there is nothing to show: from no leaves, or to the same size."""
        if not 0 <= first <= second:
            raise ValueError(f"{first} leaves are not the beginning of {second}")
        path, low, high = list[bytes](), 0, second
        while low < first < high:
            middle = low + _split(high - low)
            if first <= middle:
                path.append(self._span(middle, high))
                high = middle
            else:
                path.append(self._span(low, middle))
                low = middle
        if low:
            path.append(self._span(low, high))
        return tuple(reversed(path))

    def _span(self, low: int, high: int) -> bytes:
        """The hash over leaves low..high of a range that `_split` cuts: complete subtrees of falling size, joined from the right."""
        complete = []
        while low < high:
            height = (high - low).bit_length() - 1
            complete.append(self._subtree(height, low >> height))
            low += 1 << height
        found = complete.pop()
        while complete:
            found = node_hash(complete.pop(), found)
        return found

    def _subtree(self, height: int, index: int) -> bytes:
        """The hash of a complete subtree of 2**height leaves, from the tile that holds it or its next smaller parts."""
        level, above = divmod(height, HEIGHT)
        number, place = divmod(index << above, WIDTH)
        return _whole(_part(self._tile(level, number), place, place + (1 << above)))


def root_of_path(hash: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root to which an inclusion proof leads (RFC 9162, 2.1.3.2). Raises BadProof for one of another length."""
    if not 0 <= index < size:
        raise BadProof(f"leaf {index} is not among {size}")
    last, found = size - 1, hash
    for neighbour in path:
        if last == 0:
            raise BadProof("the proof is longer than the tree is high")
        if index & 1 or index == last:
            found = node_hash(neighbour, found)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            found = node_hash(found, neighbour)
        index, last = index >> 1, last >> 1
    if last:
        raise BadProof("the proof is shorter than the tree is high")
    return found


def require_consistent(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> None:
    """Raises BadProof unless the proof shows that the tree of `second` leaves begins with that of `first` (RFC 9162, 2.1.4.2)."""
    if first in (0, second):
        same = first_root == (second_root if first == second else EMPTY)
        if path or not 0 <= first <= second or not same:
            raise BadProof(f"nothing needs proof from {first} to {second} leaves, and what is said does not agree")
        return
    steps = ([first_root] if first.bit_count() == 1 else []) + list(path)
    if not 0 < first < second or not steps:
        raise BadProof(f"no proof from {first} to {second} leaves")
    index, last = first - 1, second - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old = new = steps[0]
    for neighbour in steps[1:]:
        if last == 0:
            raise BadProof("the proof is longer than the tree is high")
        if index & 1 or index == last:
            old, new = node_hash(neighbour, old), node_hash(neighbour, new)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            new = node_hash(new, neighbour)
        index, last = index >> 1, last >> 1
    if last or old != first_root or new != second_root:
        raise BadProof(f"the tree of {second} leaves does not begin with that of {first}")


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _part(tile: bytes, begin: int, end: int) -> bytes:
    if len(tile) < end * HASH:
        raise TornTile(f"a tile holds {len(tile) // HASH} hashes where {end} are needed")
    return tile[begin * HASH : end * HASH]


def _whole(row: bytes) -> bytes:
    """The hash over a power of two of neighbouring hashes."""
    while len(row) > HASH:
        row = b"".join(node_hash(row[at : at + HASH], row[at + HASH : at + 2 * HASH]) for at in range(0, len(row), 2 * HASH))
    return row
