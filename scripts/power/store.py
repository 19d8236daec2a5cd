"""The product's stores on the strict disk: ordinary SQLite through a file layer that does what SQLite's own does on Unix.

Like it, it syncs the folder with the first sync of a journal or log that it was asked to make, and with a deletion where SQLite asks for
that; a new database file's name is never synced by itself (https://www.sqlite.org/src/file/src/os_unix.c, unixOpen and unixSync). A write
within a sector leaves the rest of it alone, as SQLite takes for granted. Memory is not shared between processes here, so the log works
only with exclusive locking. Pages are not encrypted: what this is about happens below that. Instead of a page's authentication code the
log's checksum says whether it was changed, and the file is whole or not at all.
"""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path, PurePath
from typing import Any

import apsw

from edge_agent.disk import wal
from edge_agent.disk.pages import RESERVED, Pages
from edge_agent.disk.vault import DatabaseError, Store
from edge_agent.errors import BadKey
from scripts.power.disk import File, PowerCut, StrictDisk

JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_SUPER_JOURNAL
PAGE = 4096
BEGINNING = b"SQLite format 3\0"
_numbers = count()


class StrictStore(Store):
    """What the product asks of a disk. `checkpoint_pages` is how often SQLite empties its log."""

    def __init__(self, disk: StrictDisk, checkpoint_pages: int) -> None:
        self._disk, self._checkpoint_pages = disk, checkpoint_pages
        self._connections: list[Connection] = []

    def connect(self, path: str) -> Any:
        """A connection that behaves as one of the product's own."""
        connection = Connection(path, _Vfs(self._disk))
        self._connections.append(connection)
        connection.reserve(RESERVED)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute(f"PRAGMA wal_autocheckpoint = {self._checkpoint_pages}")
        return connection

    def pages(self, path: Path, key: bytes) -> Pages:
        """What can be read of a damaged file and its log."""
        log = path.with_name(path.name + "-wal")
        return _PlainPages(self.view(path), self.read(log) if self.exists(log) else b"", key)

    def forget(self) -> None:
        """Let go of every connection; to be called when the power is off, so that none of them can write any more."""
        for connection in self._connections:
            with suppress(Exception):
                connection.close()
        self._connections.clear()

    def begin_folder(self, folder: Path) -> None:
        """Make one folder."""
        self._disk.create(folder)

    def names(self, folder: Path) -> Sequence[str]:
        """What lies in a folder."""
        return sorted(path.name for path in self._disk.names if path.parent == folder)

    def exists(self, path: Path) -> bool:
        """Whether a file or folder is there."""
        return not path.name or path in self._disk.names

    def read(self, path: Path) -> bytes:
        """The bytes of a file."""
        return bytes(self._disk.find(path).content)

    def read_private(self, path: Path) -> bytes:
        """The bytes of a secret file; here all are private."""
        try:
            return self.read(path)
        except FileNotFoundError as error:
            raise BadKey(f"{path} cannot be read ({error.strerror})") from None

    def view(self, path: Path) -> memoryview:
        """The bytes of a file."""
        return memoryview(self.read(path))

    def write(self, path: Path, content: bytes) -> None:
        """Begin a file."""
        self._disk.write(self._disk.create(path), 0, content)

    def sync(self, path: Path) -> None:
        """Sync a file, or the names in a folder."""
        if any(each.parent == path for each in self._disk.names):
            self._disk.sync_folder(path)
        else:
            self._disk.sync(self._disk.find(path))

    def replace(self, old: Path, new: Path) -> None:
        """Rename a file."""
        self._disk.replace(old, new)

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        if self.exists(path):
            self._disk.remove(path)


class _PlainPages(Pages):
    """Pages that nobody encrypted."""

    def __init__(self, file: memoryview, log: bytes, key: bytes) -> None:
        self._changed = {bytes(frame.image) for frame in wal.read(log).frames if not frame.sound}
        super().__init__(file if file[: len(BEGINNING)] == BEGINNING else file[:0], log, key)

    def _opened(self, number: int, image: bytes, mac_key: bytes) -> bytes | None:  # noqa: ARG002
        return None if len(image) != PAGE or image in self._changed else image[: PAGE - RESERVED]


class Connection:
    """An apsw connection with the manners of the product's own."""

    def __init__(self, path: str, vfs: "_Vfs") -> None:
        self._vfs = vfs
        self._connection = apsw.Connection(path, vfs=vfs.name)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> "Result":
        """Run one statement."""
        try:
            return Result(self._connection.execute(sql, values), self._connection)
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise DatabaseError(str(error)) from None

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row."""
        self._connection.executemany(sql, rows)

    def executescript(self, sql: str) -> None:
        """Run several statements."""
        self.execute(sql)

    def reserve(self, size: int) -> None:
        """Leave that many bytes of each page alone, where the product's own have their codes."""
        self._connection.file_control("main", apsw.SQLITE_FCNTL_RESERVE_BYTES, ctypes.addressof(ctypes.c_int(size)))

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    def close(self) -> None:
        """Close, as far as the power is on."""
        self._connection.close(True)


class Result:
    """Rows of a statement."""

    def __init__(self, cursor: apsw.Cursor, connection: apsw.Connection) -> None:
        self._cursor, self.rowcount = cursor, connection.changes()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)

    def fetchone(self) -> Any:
        """The next row."""
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        """All other rows."""
        return self._cursor.fetchall()


class _Vfs(apsw.VFS):
    """SQLite's way to the disk for one connection. Behind a power cut it does nothing any more."""

    def __init__(self, disk: StrictDisk) -> None:
        self.name, self._disk, self._boot = f"strict-{next(_numbers)}", disk, disk.boots
        super().__init__(self.name)

    def excepthook(self, kind: object, error: object, trace: object) -> bool:  # noqa: ARG002
        """The caller of the statement gets the error; nobody needs to read it besides."""
        return True

    def xAccess(self, path: str, flags: int) -> bool:  # noqa: ARG002 - SQLite's names and arguments, here and below
        return PurePath(path) in self._disk.names

    def xFullPathname(self, path: str) -> str:
        return path

    def xDelete(self, path: str, sync_folder: bool) -> None:
        if self._disk.off or self._disk.boots != self._boot:
            return
        self._disk.remove(PurePath(path))
        if sync_folder:
            self._disk.sync_folder(PurePath(path).parent)

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        path = PurePath(name.filename() if isinstance(name, apsw.URIFilename) else name)
        flags[1] = flags[0]
        if path not in self._disk.names:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError(str(path))
            self._disk.create(path)
        names_too = bool(flags[0] & JOURNALS and flags[0] & apsw.SQLITE_OPEN_CREATE)
        return _OpenFile(self._disk, path, names_too=names_too)

    def xRandomness(self, count: int) -> bytes:
        return bytes(count)

    def xSleep(self, microseconds: int) -> int:
        return microseconds

    def xCurrentTime(self) -> float:
        return 2_461_000.5


class _OpenFile:
    """A file that SQLite has open. Behind a power cut it is of no use."""

    def __init__(self, disk: StrictDisk, path: PurePath, *, names_too: bool) -> None:
        self._disk, self._file, self._folder, self._names_too = disk, disk.find(path), path.parent, names_too
        self._boot = disk.boots

    def excepthook(self, kind: object, error: object, trace: object) -> None:
        """As above."""

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self._on().content[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.write(self._on(), offset, bytes(data))

    def xTruncate(self, size: int) -> None:
        self._disk.truncate(self._on(), size)

    def xSync(self, flags: int) -> None:  # noqa: ARG002
        self._disk.sync(self._on())
        if self._names_too:
            self._disk.sync_folder(self._folder)
            self._names_too = False

    def xFileSize(self) -> int:
        return len(self._on().content)

    def xClose(self) -> None:
        return

    def xLock(self, level: int) -> None:  # noqa: ARG002
        return

    def xUnlock(self, level: int) -> None:  # noqa: ARG002
        return

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, operation: int, pointer: int) -> bool:  # noqa: ARG002
        return False

    def xSectorSize(self) -> int:
        return PAGE

    def xDeviceCharacteristics(self) -> int:
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def _on(self) -> File:
        if self._disk.off or self._disk.boots != self._boot:
            raise PowerCut("off")
        return self._file
