"""Read the rows of a damaged store page by page: SQLCipher authenticates each page by itself, so what is damaged costs its page only.

A page of SQLCipher 4 is AES-256-CBC ciphertext, 16 bytes of IV and an HMAC-SHA512 over both and the page's number; the HMAC's key comes
from the store's key and the salt at the start of the file (https://www.zetetic.net/sqlcipher/design/). Inside lies an ordinary SQLite
page (https://www.sqlite.org/fileformat2.html). Nothing is believed whose HMAC does not hold. Deleted rows are not brought back unless the
page that led to their table is lost.
"""

import hmac
import struct
from collections.abc import Iterator, Mapping, Sequence
from hashlib import pbkdf2_hmac, sha512

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from edge_agent.disk import wal

SALT, IV, MAC = 16, 16, 64
RESERVED = IV + MAC
USABLE = wal.PAGE - RESERVED
SALT_MASK = 0x3A
MAC_ROUNDS = 2
INTERIOR, LEAF = 5, 13
FILE_HEADER = 100
MOST_LOCAL, LEAST_LOCAL = USABLE - 35, (USABLE - 12) * 32 // 255 - 23

Value = int | float | str | bytes | None
Row = tuple[int, Sequence[Value]]
"""The row's number and its columns; a column that repeats the number is None."""

_UNREADABLE = (LookupError, ValueError, struct.error)
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class Pages:
    """The readable pages of one store with its write-ahead log."""

    def __init__(self, file: memoryview, log: bytes, key: bytes) -> None:
        """Decrypts nothing yet; `file` may be a mapped one."""
        self._file, self._key = file, key
        frames = wal.read(log).committed
        self._newer: dict[int, list[memoryview]] = {}
        for frame in frames:
            self._newer.setdefault(frame.page, []).insert(0, frame.image)
        ends = [frame.size for frame in frames if frame.size and frame.sound]
        self._count = ends[-1] if ends else len(self._file) // wal.PAGE
        self._mac_key = self._find_mac_key(bytes(self._file[:SALT]))
        self._seen: set[int] = set()
        self._lost = False

    def tables(self) -> dict[str, int]:
        """The first page of each table by the table's name; empty when the list of tables is lost."""
        found = {}
        for _, columns in self.rows(1):
            if len(columns) == 5 and columns[0] == "table" and isinstance(columns[3], int):
                found[str(columns[1])] = columns[3]
        return found

    def rows(self, root: int) -> Iterator[Row]:
        """What can be read of the table that begins at page `root`, in order."""
        for page, start in self._leaves(root):
            yield from self._leaf(page, start)

    def reach(self, root: int) -> None:
        """Note which pages belong to a table without reading its rows."""
        for _ in self._leaves(root):
            pass

    def strays(self) -> Iterator[Row]:
        """Rows of pages that no page led to; to be asked after all tables were read or reached. None where no page of them was lost."""
        if not self._lost:
            return
        free = self._free()
        for number in range(2, self._count + 1):
            if number not in self._seen and number not in free and (page := self._page(number)) is not None and page[0] == LEAF:
                yield from self._leaf(page, 0)

    def _leaves(self, root: int) -> Iterator[tuple[bytes, int]]:
        """The pages with rows below page `root`, and where each begins."""
        page = self._page(root)
        self._lost |= page is None
        if page is None or root in self._seen:
            return
        self._seen.add(root)
        start = FILE_HEADER if root == 1 else 0
        if page[start] == LEAF:
            yield page, start
        elif page[start] == INTERIOR:
            for child in _children(page, start):
                yield from self._leaves(child)

    def _page(self, number: int) -> bytes | None:
        images = [*self._newer.get(number, ()), self._file[(number - 1) * wal.PAGE : number * wal.PAGE]]
        return next((plain for image in images if (plain := self._opened(number, bytes(image), self._mac_key)) is not None), None)

    def _opened(self, number: int, image: bytes, mac_key: bytes) -> bytes | None:
        if len(image) != wal.PAGE:
            return None
        start = SALT if number == 1 else 0
        covered = image[start : wal.PAGE - MAC] + struct.pack("<I", number)
        if not hmac.compare_digest(hmac.digest(mac_key, covered, sha512), image[-MAC:]):
            return None
        cipher = Cipher(algorithms.AES(self._key), modes.CBC(image[USABLE : USABLE + IV])).decryptor()
        return bytes(start) + cipher.update(image[start:USABLE]) + cipher.finalize()

    def _find_mac_key(self, salt: bytes) -> bytes:
        """The HMAC's key. Where one bit of the salt has changed every page would be lost, so each is tried, on two pages."""
        masks = [bytes(SALT), *((1 << bit).to_bytes(SALT, "big") for bit in range(8 * SALT))]
        samples = list(self._samples())
        for mask in masks if len(salt) == SALT else ():
            mac_key = _mac_key(self._key, bytes(a ^ b for a, b in zip(salt, mask, strict=True)))
            tried = samples[:2] if any(mask) else samples
            if any(self._opened(number, image, mac_key) is not None for number, image in tried):
                return mac_key
        return bytes(len(self._key))

    def _samples(self) -> Iterator[tuple[int, bytes]]:
        for number in range(1, min(self._count, 4) + 1):
            yield number, bytes(self._file[(number - 1) * wal.PAGE : number * wal.PAGE])
        for number, images in list(self._newer.items())[:4]:
            yield number, bytes(images[0])

    def _leaf(self, page: bytes, start: int) -> Iterator[Row]:
        for at in _cells(page, start, 8):
            try:
                size, at = _varint(page, at)  # noqa: PLW2901 - read on behind it
                rowid, at = _varint(page, at)  # noqa: PLW2901
                yield rowid, _columns(self._payload(page, at, size))
            except _UNREADABLE:
                continue

    def _payload(self, page: bytes, at: int, size: int) -> bytes:
        """The bytes of a row. Raises LookupError when a page that it runs on to is lost."""
        if size <= MOST_LOCAL:
            return page[at : at + size]
        local = LEAST_LOCAL + (size - LEAST_LOCAL) % (USABLE - 4)
        local = local if local <= MOST_LOCAL else LEAST_LOCAL
        parts, missing = [page[at : at + local]], size - local
        following = int.from_bytes(page[at + local : at + local + 4], "big")
        while missing > 0:
            more = self._page(following)
            if more is None:
                raise LookupError(following)
            parts.append(more[4 : 4 + min(missing, USABLE - 4)])
            missing -= USABLE - 4
            following = int.from_bytes(more[:4], "big")
        return b"".join(parts)

    def _free(self) -> set[int]:
        """Pages on the list of free ones, as far as it can be followed."""
        first = self._page(1)
        number = 0 if first is None else int.from_bytes(first[32:36], "big")
        found: set[int] = set()
        while number and number not in found and (trunk := self._page(number)) is not None:
            found.add(number)
            number, count = struct.unpack_from(">II", trunk)
            found.update(struct.unpack_from(f">{min(count, USABLE // 4 - 2)}I", trunk, 8))
        return found


def _mac_key(key: bytes, salt: bytes) -> bytes:
    return pbkdf2_hmac("sha512", key, bytes(byte ^ SALT_MASK for byte in salt), MAC_ROUNDS, len(key))


def _cells(page: bytes, start: int, header: int) -> Sequence[int]:
    (count,) = struct.unpack_from(">H", page, start + 3)
    return struct.unpack_from(f">{count}H", page, start + header)


def _children(page: bytes, start: int) -> Iterator[int]:
    for at in (*_cells(page, start, 12), start + 8):
        yield int.from_bytes(page[at : at + 4], "big")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for step in range(8):
        value = value << 7 | data[at + step] & 0x7F
        if data[at + step] < 0x80:
            return value, at + step + 1
    return value << 8 | data[at + 8], at + 9


def _columns(record: bytes) -> Sequence[Value]:
    end, at = _varint(record, 0)
    kinds = []
    while at < end:
        kind, at = _varint(record, at)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        value, at = _value(record, at, kind)
        values.append(value)
    return values


def _value(record: bytes, at: int, kind: int) -> tuple[Value, int]:
    fixed: Mapping[int, Value] = {0: None, 8: 0, 9: 1}
    if kind in fixed:
        return fixed[kind], at
    if kind == 7:
        return struct.unpack_from(">d", record, at)[0], at + 8
    length = _INTEGERS.get(kind, (kind - 12) // 2)
    part = record[at : at + length]
    if len(part) != length or kind in (10, 11):
        raise ValueError(f"a column of kind {kind} ends too early")
    if kind in _INTEGERS:
        return int.from_bytes(part, "big", signed=True), at + length
    return (part.decode() if kind % 2 else part), at + length
