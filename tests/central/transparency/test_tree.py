"""The tree against the definitions of RFC 6962, written down again here as they stand there."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.transparency.tree import (
    EMPTY,
    WIDTH,
    BadProof,
    ReadTile,
    TornTile,
    Tree,
    grow,
    leaf_hash,
    require_consistent,
    root_of_path,
)

LEAVES = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", bytes(range(0x50, 0x58)), bytes(range(0x60, 0x70))]
"""The entries whose roots Certificate Transparency publishes for its first eight trees."""
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def mth(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = largest_power_below(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def grown(leaves: Sequence[bytes], *steps: int) -> dict[tuple[int, int], bytes]:
    """Tiles after growing in steps of these lengths, and then by the rest."""
    tiles: dict[tuple[int, int], bytes] = {}
    size = 0

    def read(level: int, number: int) -> bytes:
        return tiles[level, number]

    for step in (*steps, len(leaves)):
        more = leaves[size : size + step]
        tiles.update(grow(size, [leaf_hash(leaf) for leaf in more], read))
        size += len(more)
    return tiles


def tree_of(tiles: dict[tuple[int, int], bytes]) -> Tree:
    return Tree(lambda level, number: tiles.get((level, number), b""))


def test_the_roots_that_certificate_transparency_publishes() -> None:
    tree = tree_of(grown(LEAVES))
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [tree.root(size).hex() for size in range(1, 9)] == ROOTS
    assert tree.root(0) == EMPTY


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.lists(st.integers(1, 300), max_size=4), st.data())
def test_roots_and_proofs_are_those_of_the_definition(count: int, steps: list[int], data: st.DataObject) -> None:
    leaves = [number.to_bytes(4, "big") for number in range(count)]
    tree = tree_of(grown(leaves, *steps))
    size = data.draw(st.integers(1, count))
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    proof, consistency = tree.inclusion(index, size), tree.consistency(first, size)
    assert tree.root(size) == mth(leaves[:size])
    assert list(proof) == path(index, leaves[:size])
    assert list(consistency) == subproof(first, leaves[:size], True)
    assert root_of_path(leaf_hash(leaves[index]), index, size, proof) == mth(leaves[:size])
    require_consistent(first, size, mth(leaves[:first]), mth(leaves[:size]), consistency)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 300), st.data())
def test_no_proof_of_something_else_is_believed(count: int, data: st.DataObject) -> None:
    leaves = [bytes([number % 251]) * 3 + number.to_bytes(2, "big") for number in range(count)]
    tree, root = tree_of(grown(leaves)), mth(leaves)
    index, other = data.draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=2, unique=True))
    proof = tree.inclusion(index, count)
    assert leads(leaves[other], index, count, proof) != root
    assert leads(leaves[index], other, count, proof) != root
    assert leads(leaves[index], index, count, proof[1:]) != root
    assert leads(leaves[index], index, count, (*proof, root)) != root
    place = data.draw(st.integers(0, len(proof) - 1))
    changed = (*proof[:place], bytes(32), *proof[place + 1 :])
    assert leads(leaves[index], index, count, changed) != root


def leads(leaf: bytes, index: int, size: int, proof: tuple[bytes, ...]) -> bytes | None:
    try:
        return root_of_path(leaf_hash(leaf), index, size, proof)
    except BadProof:
        return None


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 300), st.data())
def test_no_history_that_was_rewritten_is_consistent(count: int, data: st.DataObject) -> None:
    leaves = [number.to_bytes(2, "big") for number in range(count)]
    first = data.draw(st.integers(1, count - 1))
    changed = data.draw(st.integers(0, first - 1))
    forged = [*leaves[:changed], b"forged", *leaves[changed + 1 :]]
    honest, tree = mth(leaves[:first]), tree_of(grown(forged))
    with pytest.raises(BadProof):
        require_consistent(first, count, honest, tree.root(count), tree.consistency(first, count))
    with pytest.raises(BadProof):
        require_consistent(first, count, honest, mth(leaves), (*tree_of(grown(leaves)).consistency(first, count), bytes(32)))
    with pytest.raises(BadProof):
        require_consistent(first, count, honest, mth(leaves), tree_of(grown(leaves)).consistency(first, count)[:-1])
    with pytest.raises(BadProof):
        require_consistent(count, first, mth(leaves), honest, ())


def test_tiles_are_those_of_the_specification() -> None:
    """273 full tiles of level 0 and one of 112 hashes, one of level 1 and one of 17, one of level 2 of a single hash: its example."""
    tiles = grown([b"x"] * 70_000)
    widths = {place: len(tile) // 32 for place, tile in tiles.items()}
    assert {place: width for place, width in widths.items() if width < WIDTH} == {(0, 273): 112, (1, 1): 17, (2, 0): 1}
    assert sum(width == WIDTH for width in widths.values()) == 274


def test_a_proof_among_eighty_million_leaves_is_short_and_reads_few_tiles() -> None:
    """A real tree of that size, every leaf of which is the same: then one tile of each level and the right edge are all there are."""
    size, leaf = 80_000_000, leaf_hash(b"same")
    read, read_tile = set[tuple[int, int]](), uniform_tiles(size, leaf)

    def noted(level: int, number: int) -> bytes:
        read.add((level, number))
        return read_tile(level, number)

    root = Tree(read_tile).root(size)
    longest = 0
    for index in (0, 1, size // 2, size // 3, 2**26 - 1, 2**26, size - 2, size - 1):
        read.clear()
        proof = Tree(noted).inclusion(index, size)
        assert root_of_path(leaf, index, size, proof) == root
        assert len(read) <= 8
        longest = max(longest, len(proof))
    assert longest == 27
    for first in (1, 2**26, size // 7, size - 1):
        read.clear()
        proof = Tree(noted).consistency(first, size)
        require_consistent(first, size, Tree(read_tile).root(first), root, proof)
        assert len(proof) <= 28
        assert len(read) <= 8


def uniform_tiles(size: int, leaf: bytes) -> ReadTile:
    hashes = [leaf]
    for _ in range(3):
        hashes.append(grow(0, [hashes[-1]] * WIDTH, lambda _level, _number: b"")[1, 0])
    return lambda level, number: hashes[level] * max(0, min(WIDTH, size // WIDTH**level - number * WIDTH))


def test_a_torn_tile_gives_no_proof() -> None:
    tiles = grown([b"a"] * 300)
    tiles[0, 1] = tiles[0, 1][:-32]
    with pytest.raises(TornTile):
        tree_of(tiles).root(300)
    with pytest.raises(TornTile):
        grow(300, [bytes(32)], lambda level, number: tiles[level, number])
    with pytest.raises(ValueError, match="leaf 299 is not among"):
        tree_of(tiles).inclusion(299, 299)
    with pytest.raises(ValueError, match="are not the beginning"):
        tree_of(tiles).consistency(5, 4)
