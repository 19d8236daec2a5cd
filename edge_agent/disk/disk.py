"""The files of the data folder: small ones that survive power loss whole or not at all, and the few calls by which that is reached."""

import mmap
import os
from collections.abc import Sequence
from pathlib import Path

from edge_agent.keys import check_private


class Disk:
    """The machine's own disk. What is written, renamed or removed is durable only after `sync` of the file, and of its folder."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder that only this user may enter, durably, with those above it. One that is there stays as it is."""
        missing = [each for each in (folder, *folder.parents) if not self.exists(each)]
        for each in reversed(missing):
            self.begin_folder(each)
            self.sync(each.parent)

    def begin_folder(self, folder: Path) -> None:
        """Make one folder that only this user may enter."""
        folder.mkdir(mode=0o700, exist_ok=True)

    def names(self, folder: Path) -> Sequence[str]:
        """What lies in a folder."""
        return [path.name for path in folder.iterdir()]

    def exists(self, path: Path) -> bool:
        """Whether a file is there."""
        return path.exists()

    def read(self, path: Path) -> bytes:
        """The bytes of a file. Raises FileNotFoundError."""
        return path.read_bytes()

    def read_private(self, path: Path) -> bytes:
        """The bytes of a secret file. Raises BadKey if it is missing or others may read it."""
        check_private(path)
        return path.read_bytes()

    def view(self, path: Path) -> memoryview:
        """The bytes of a large file without reading them at once. Raises FileNotFoundError."""
        with path.open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b"")

    def write(self, path: Path, content: bytes) -> None:
        """Begin a file that only this user may read. Raises FileExistsError."""
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)

    def sync(self, path: Path) -> None:
        """Make what a file holds, or the names in a folder, survive power loss."""
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def replace(self, old: Path, new: Path) -> None:
        """Rename a file; one of the new name is replaced at that very moment."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        path.unlink(missing_ok=True)

    def write_durably(self, path: Path, content: bytes) -> None:
        """Write a small file that only this user may read, whole or not at all; it survives power loss. Replaces an older one."""
        self.make_folder(path.parent)
        partial = path.with_name(path.name + ".partial")
        self.remove(partial)
        self.write(partial, content)
        self.sync(partial)
        self.replace(partial, path)
        self.sync(path.parent)
