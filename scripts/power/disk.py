"""A disk in memory that keeps nothing it was not made to keep.

What is written stays pending until its file is synced, and names stay pending until their folder is synced. A power cut keeps an arbitrary
part of what is pending: of each write any of its 512-byte sectors, of what was done to names either a beginning, as one journal would, or
any part of it in any order. Only this is granted: a sector is written or not, never mixed, and a rename is done or not, as in every file
system with a journal.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from random import Random

SECTOR = 512


class PowerCut(Exception):
    """The machine is off; nothing that is still running may touch the disk."""


@dataclass(slots=True)
class File:
    """The bytes of a file. `pending` is what was done since the last sync: (offset, bytes), or (size, None) where it was cut.

    A folder is a file without bytes.
    """

    content: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def write(self, offset: int, data: bytes) -> None:
        """Change the bytes, not durably."""
        _put(self.content, offset, data, bytes)
        self.pending.append((offset, bytes(data)))

    def truncate(self, size: int) -> None:
        """Cut the file, not durably."""
        del self.content[size:]
        self.pending.append((size, None))

    def sync(self) -> None:
        """Make the bytes durable."""
        self.durable = bytes(self.content)
        self.pending.clear()

    def cut(self, random: Random) -> None:
        """What power loss leaves: bytes that never arrived where the file grew are zeros or whatever lay there."""
        keep, left = random.choice((0.0, 0.1, 0.5, 0.9, 1.0)), bytearray(self.durable)
        fill = random.choice((bytes, random.randbytes))
        for offset, data in self.pending:
            if data is None:
                if random.random() < keep:
                    del left[offset:]
                continue
            for at, sector in _sectors(offset, data):
                if random.random() < keep:
                    _put(left, at, sector, fill)
            if random.random() < keep / 2:
                _put(left, max(len(left), offset + len(data)), b"", fill)
        self.content, self.durable = left, bytes(left)
        self.pending.clear()


@dataclass(frozen=True, slots=True)
class Naming:
    """What one call did to the names of a folder: a file appears under a name, or none is there any more; a rename does both."""

    states: tuple[tuple[PurePath, File | None], ...]


class StrictDisk:
    """One machine's disk through many power cuts. Paths are absolute; the root is always there."""

    def __init__(self) -> None:
        self.names: dict[PurePath, File] = {}
        """Every file and folder by its path."""
        self._durable: dict[PurePath, File] = {}
        self._pending: dict[PurePath, list[Naming]] = {}
        self._left: int | None = None
        self.boots = 0
        """Counts power cuts: what was opened before one must not be used behind it."""
        self.cuts_during: dict[str, int] = {}
        self.off = False

    def cut_after(self, calls: int | None) -> None:
        """Let the power go when this many more calls have changed or synced something; None leaves it on."""
        self._left = calls

    def find(self, path: PurePath) -> File:
        """Raises FileNotFoundError, or PowerCut while the power is off."""
        if self.off:
            raise PowerCut("find")
        if path not in self.names:
            raise FileNotFoundError(2, "no such file", str(path))
        return self.names[path]

    def create(self, path: PurePath) -> File:
        """An empty file, or a folder, under a new name. Raises FileNotFoundError without the folder above, FileExistsError."""
        if path.parent.name:
            self.find(path.parent)
        if path in self.names:
            raise FileExistsError(17, "file exists", str(path))
        self._step("create")
        file = File()
        self._name(path.parent, ((path, file),))
        return file

    def write(self, file: File, offset: int, data: bytes) -> None:
        """Change bytes of a file, not durably."""
        self._step("write")
        file.write(offset, data)

    def truncate(self, file: File, size: int) -> None:
        """Cut a file, not durably."""
        self._step("truncate")
        file.truncate(size)

    def sync(self, file: File) -> None:
        """Make the bytes of a file durable, not its name."""
        self._step("sync")
        file.sync()

    def sync_folder(self, folder: PurePath) -> None:
        """Make the names in a folder durable, not what the files hold."""
        self._step("sync folder")
        for naming in self._pending.pop(folder, ()):
            _apply(self._durable, naming.states)

    def replace(self, old: PurePath, new: PurePath) -> None:
        """Rename a file within its folder. Raises FileNotFoundError."""
        file = self.find(old)
        self._step("rename")
        self._name(new.parent, ((new, file), (old, None)))

    def remove(self, path: PurePath) -> None:
        """Take a name away. Raises FileNotFoundError."""
        self.find(path)
        self._step("remove")
        self._name(path.parent, ((path, None),))

    def cut(self, random: Random) -> None:
        """The power is gone and comes back: what is left is all that there ever was."""
        for _, namings in sorted(self._pending.items()):
            _keep_some(self._durable, namings, random)
        self._pending.clear()
        self._durable = {path: file for path, file in self._durable.items() if self._reachable(path)}
        self.names = dict(self._durable)
        for file in {id(file): file for file in self.names.values()}.values():
            file.cut(random)
        self.boots += 1
        self._left, self.off = None, False

    def _reachable(self, path: PurePath) -> bool:
        return all(parent in self._durable for parent in path.parents if parent.name)

    def _name(self, folder: PurePath, states: tuple[tuple[PurePath, File | None], ...]) -> None:
        _apply(self.names, states)
        self._pending.setdefault(folder, []).append(Naming(states))

    def _step(self, kind: str) -> None:
        if self.off:
            raise PowerCut(kind)
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                self.off = True
                self.cuts_during[kind] = self.cuts_during.get(kind, 0) + 1
                raise PowerCut(kind)


def _put(content: bytearray, offset: int, data: bytes, fill: Callable[[int], bytes]) -> None:
    if offset > len(content):
        content += fill(offset - len(content))
    content[offset : offset + len(data)] = data


def _sectors(offset: int, data: bytes) -> Iterable[tuple[int, bytes]]:
    at = offset
    while at < offset + len(data):
        end = min(offset + len(data), (at // SECTOR + 1) * SECTOR)
        yield at, data[at - offset : end - offset]
        at = end


def _apply(names: dict[PurePath, File], states: Iterable[tuple[PurePath, File | None]]) -> None:
    for path, file in states:
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file


def _keep_some(names: dict[PurePath, File], namings: list[Naming], random: Random) -> None:
    """As one journal: the first of them. Otherwise any."""
    first = random.randint(0, len(namings)) if random.random() < 0.5 else None
    for number, naming in enumerate(namings):
        if random.random() < 0.5 if first is None else number < first:
            _apply(names, naming.states)
