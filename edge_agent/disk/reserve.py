"""Disk space set aside for bad days: given up when the disk is full, so that verdicts go on, and taken back when there is room again."""

import os
import shutil
from pathlib import Path
from threading import Lock

import structlog

FLOOR_SHARE = 4  # with less free than this part of it, it is given up before a write fails
BACK_AT = 2  # times its size must be free before it is taken back, so that it does not come and go
NAME = "reserve"

log = structlog.get_logger(__name__)


class Reserve:
    """A file of a fixed size in `folder`, which must exist. Safe to use from several threads."""

    def __init__(self, folder: Path, size: int) -> None:
        """Takes nothing yet; a file of `size` bytes that lies there is used."""
        self._folder, self._file, self._size = folder, folder / NAME, size
        self._lock = Lock()

    @property
    def given_up(self) -> bool:
        """Whether what room there is belongs to events now. A file cut short by a crash or a full disk counts as none."""
        try:
            return self._file.stat().st_size < self._size
        except FileNotFoundError:
            return True

    def keep(self) -> None:
        """Give it up in time, or take it back; never raises. For the start, before stores are opened, and then every second or so."""
        with self._lock:
            try:
                free = shutil.disk_usage(self._folder).free
                if free < self._size // FLOOR_SHARE:
                    self._delete()
                elif self.given_up and free >= BACK_AT * self._size:
                    self._take()
            except OSError as error:
                log.warning("reserve_not_kept", why=str(error))

    def give_up(self) -> bool:
        """Free its space; False when that was done already. Raises OSError when the file cannot be deleted."""
        with self._lock:
            return self._delete()

    def _delete(self) -> bool:
        if not self._file.exists():
            return False
        self._file.unlink()
        log.warning("reserve_given_up", megabytes=self._size // 2**20)
        return True

    def _take(self) -> None:
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(handle, 0, self._size)
        finally:
            os.close(handle)
        log.info("reserve_taken", megabytes=self._size // 2**20)
