"""An encrypted database file (SQLCipher) whose commits survive power loss.

The key is 32 random bytes, made at first start, in two files of its own that only this user may read: one damaged file must not cost
every store. It protects a disk that is stolen or
thrown away, not a running terminal. The agent's processes share the file by SQLite's own locks, so that a command can look into it while
the agent runs.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from threading import RLock
from typing import Any, Self

from sqlcipher3 import dbapi2 as sqlcipher

from edge_agent.disk import wal
from edge_agent.disk.disk import Disk
from edge_agent.disk.pages import Pages
from edge_agent.errors import BadKey, VaultDamaged, VaultError, VaultFull

KEY_BYTES, CHECK_BYTES = 32, 8
SPARE = ".spare"
MEMORY = ":memory:"
PARTS = ("", "-wal", "-shm")
READ = ".read"
"""Beside a damaged file: what could be read of it is in the new one."""
_FULL = ("full", "disk I/O error")

Connection = Any  # sqlcipher3 has no type information
DatabaseError: type[Exception] = sqlcipher.DatabaseError


class Store(Disk):
    """A disk on which stores can be opened; another one may stand in for the machine's own."""

    def connect(self, path: str) -> Connection:
        """A connection of the file, made if it is missing. Raises DatabaseError, also later for a file that is damaged."""
        return sqlcipher.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)

    def pages(self, path: Path, key: bytes) -> Pages:
        """What can be read of a damaged file and its log, page by page."""
        log = path.with_name(path.name + "-wal")
        return Pages(self.view(path), self.read(log) if self.exists(log) else b"", key)


OURS = Store()


class Vault:
    """One connection, one transaction at a time. Safe to use from several threads; closing belongs to the owner."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = RLock()
        self._depth = 0

    @classmethod
    def open(cls, path: Path, key: bytes, schema: str, disk: Store = OURS, on_torn: Callable[[], None] | None = None) -> Self:
        """Open or create the file and make its tables; `on_torn` is called first where the end of its log is torn.

        Raises VaultDamaged (also for another key) or VaultError.
        """
        _check_log(path.with_name(path.name + "-wal"), disk, on_torn)
        return cls(_connect(str(path), key, schema, disk))

    @classmethod
    def in_memory(cls, schema: str) -> Self:
        """A vault that is never written to a disk."""
        return cls(_connect(MEMORY, secrets.token_bytes(KEY_BYTES), schema, OURS))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing, durable when the outermost block ends. Blocks may nest; an inner one is part of the outer.

        Raises VaultFull when the disk has no room; nothing was kept then.
        """
        with self._lock:
            outermost = self._depth == 0
            self._depth += 1
            try:
                if outermost:
                    self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                if outermost:
                    self._connection.execute("COMMIT")
            except BaseException as error:
                if outermost and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlcipher.OperationalError) and any(word in str(error) for word in _FULL):
                    raise VaultFull(f"the disk has no room ({error}); free some space, nothing else is needed") from None
                raise
            finally:
                self._depth -= 1

    def empty_log(self) -> bool:
        """Move what the write-ahead log holds into the file and cut it, to gain room; False when it was empty or that cannot be done."""
        with self._lock:
            if self._depth:
                return False
            try:
                held = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
                busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlcipher.OperationalError:
                return False
        return held > 0 and not busy

    def checkpoint(self) -> None:
        """Bring what stands in the log into the file; the log begins anew."""
        with self._lock:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file; the vault is unusable afterwards."""
        with self._lock:
            self._connection.close()


def vault_key(path: Path, disk: Store = OURS) -> bytes:
    """Read the key, or make one at first start; a copy that is missing or damaged is written anew from the other.

    Raises BadKey when both are damaged, or one may be read by others.
    """
    copies = (path, path.with_name(path.name + SPARE))
    there = {copy: _read_copy(copy, disk) for copy in copies if disk.exists(copy)}
    keys = [content[:KEY_BYTES] for content in there.values() if content == _with_check(content[:KEY_BYTES])]
    if there and not keys:
        raise BadKey(f"{path} and its copy are damaged: restore one of them, or move both and the *.db files beside them away")
    key = keys[0] if keys else secrets.token_bytes(KEY_BYTES)
    for copy in copies:
        if there.get(copy) != _with_check(key):
            disk.write_durably(copy, _with_check(key))
    return key


def _read_copy(path: Path, disk: Store) -> bytes:
    try:
        return disk.read_private(path)
    except OSError:  # a place of the disk that cannot be read
        return b""


def _with_check(key: bytes) -> bytes:
    return key + sha256(key).digest()[:CHECK_BYTES]


def open_or_set_aside(
    path: Path, key: bytes, schema: str, stamp: int, disk: Store = OURS, on_torn: Callable[[], None] | None = None
) -> tuple[Vault, Path | None]:
    """Open a vault; a damaged file is moved away under a name with `stamp` and a new one begun. Returns also where it was moved to.

    Nothing is deleted: what was in it can still be recovered. `on_torn` as in `Vault.open`. Raises VaultError when a new file cannot be
    made either.
    """
    _finish_setting_aside(path, stamp, disk)
    try:
        return Vault.open(path, key, schema, disk, on_torn), None
    except VaultDamaged:
        aside = _free_aside(path, stamp, disk)
        _move(path, aside, disk)
        return Vault.open(path, key, schema, disk), aside


def set_asides(path: Path, disk: Store = OURS) -> list[Path]:
    """Damaged files of this store that were moved away, now or earlier."""
    names = disk.names(path.parent)
    found = [name for name in names if re.fullmatch(rf"{re.escape(path.name)}\.damaged-\d+", name)]
    return [path.with_name(name) for name in sorted(found)]


def _finish_setting_aside(path: Path, stamp: int, disk: Store) -> None:
    """A log without its file was left where power went away while both were moved; a new file must not take it for its own."""
    if not disk.exists(path) and any(disk.exists(path.with_name(path.name + suffix)) for suffix in PARTS[1:]):
        moved = [aside for aside in set_asides(path, disk) if not disk.exists(aside.with_name(aside.name + READ))]
        _move(path, moved[-1] if moved else _free_aside(path, stamp, disk), disk)


def _free_aside(path: Path, stamp: int, disk: Store) -> Path:
    """A name that no damaged file has yet, whatever the clock says; the log follows under that name and its own suffix."""
    taken = set_asides(path, disk)
    return next(name for number in count(stamp) if (name := path.with_name(f"{path.name}.damaged-{number}")) not in taken)


def _move(path: Path, aside: Path, disk: Store) -> None:
    """The file first, and lastingly so: left behind without its log it would open as an older state that nobody calls damaged."""
    for suffix in PARTS:
        part = path.with_name(path.name + suffix)
        if disk.exists(part):
            disk.replace(part, aside.with_name(aside.name + suffix))
            disk.sync(path.parent)


def _check_log(path: Path, disk: Store, on_torn: Callable[[], None] | None) -> None:
    log = wal.read(disk.read(path) if disk.exists(path) else b"")
    if log.damaged:
        raise VaultDamaged(f"{path} is damaged: committed transactions lie behind a frame whose checksum fails")
    if log.torn and on_torn is not None:
        on_torn()


def _connect(path: str, key: bytes, schema: str, disk: Store) -> Connection:
    try:
        connection = disk.connect(path)
    except DatabaseError as error:
        raise VaultError(f"{path} cannot be opened ({error}); its folder must exist and be writable") from None
    try:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise VaultDamaged(f"{path} is damaged: its pages do not fit together")
        connection.executescript(schema)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a log begun anew holds nothing that could be mistaken for damage
    except (DatabaseError, VaultDamaged) as error:
        connection.close()
        raise _explained(path, error) from None
    return connection


def _explained(path: str, error: Exception) -> VaultError:
    if isinstance(error, VaultError):
        return error
    if isinstance(error, sqlcipher.OperationalError) and _is_transient(error):
        return VaultError(f"{path} cannot be used now ({error}); it is left as it is")
    return VaultDamaged(f"{path} is damaged or belongs to another key ({error})")


def _is_transient(error: Exception) -> bool:
    return any(word in str(error) for word in ("locked", "full", "unable to open", "readonly"))
