"""An encrypted database file (SQLCipher) whose commits survive power loss.

The key is 32 random bytes in a file of its own that only this user may read, made at first start. It protects a disk that is stolen or
thrown away, not a running terminal.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Self

from sqlcipher3 import dbapi2 as sqlcipher

from edge_agent.errors import BadKey, VaultDamaged, VaultError, VaultFull
from edge_agent.keys import check_private

KEY_BYTES = 32
MEMORY = ":memory:"
_FULL = ("full", "disk I/O error")

Connection = Any  # sqlcipher3 has no type information


class Vault:
    """One connection, one transaction at a time. Safe to use from several threads; closing belongs to the owner."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = RLock()
        self._depth = 0

    @classmethod
    def open(cls, path: Path, key: bytes, schema: str) -> Self:
        """Open or create the file and make its tables. Raises VaultDamaged (also for another key) or VaultError."""
        return cls(_connect(str(path), key, schema))

    @classmethod
    def in_memory(cls, schema: str) -> Self:
        """A vault that is never written to a disk."""
        return cls(_connect(MEMORY, secrets.token_bytes(KEY_BYTES), schema))

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

    def close(self) -> None:
        """Close the file; the vault is unusable afterwards."""
        with self._lock:
            self._connection.close()


def vault_key(path: Path) -> bytes:
    """Read the key, or make one at first start. Raises BadKey for one that is damaged or readable by others."""
    if not path.exists():
        write_durably(path, secrets.token_bytes(KEY_BYTES))
    check_private(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise BadKey(f"{path} has {len(key)} bytes, a vault key has {KEY_BYTES}: restore it, or move it and the *.db files beside it away")
    return key


def open_or_set_aside(path: Path, key: bytes, schema: str, stamp: int) -> tuple[Vault, Path | None]:
    """Open a vault; a damaged file is moved away under a name with `stamp` and a new one begun. Returns also where it was moved to.

    Nothing is deleted: what was in it can still be recovered by hand. Raises VaultError when a new file cannot be made either.
    """
    try:
        return Vault.open(path, key, schema), None
    except VaultDamaged:
        aside = path.with_name(f"{path.name}.damaged-{stamp}")
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.replace(aside.with_name(aside.name + suffix))
        return Vault.open(path, key, schema), aside


def _connect(path: str, key: bytes, schema: str) -> Connection:
    try:
        connection = sqlcipher.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    except sqlcipher.Error as error:
        raise VaultError(f"{path} cannot be opened ({error}); its folder must exist and be writable") from None
    try:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise VaultDamaged(f"{path} is damaged: its pages do not fit together")
        connection.executescript(schema)
    except (sqlcipher.Error, VaultDamaged) as error:
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


def write_durably(path: Path, content: bytes) -> None:
    """Write a small file that only this user may read, whole or not at all; it survives power loss. Replaces an older one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename or new name in `folder` survive power loss."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
