"""Where sealed objects lie: files behind one small port; an object store can take their place."""

from pathlib import Path
from typing import Protocol

from central.errors import NotFound
from central.files import sync_folder, write_whole


class EvidenceStore(Protocol):
    """Holds sealed bytes by their SHA-256; it cannot open them."""

    def put(self, media_id: str, sealed: bytes) -> None:
        """Keep the bytes durably; repeating it changes nothing."""

    def get(self, media_id: str) -> bytes:
        """The bytes. Raises NotFound."""

    def remove(self, media_id: str) -> None:
        """Erase the bytes; repeating it changes nothing."""


class FileEvidence:
    """One file per object, spread over 256 folders."""

    def __init__(self, root: Path) -> None:
        """Nothing is created before the first `put`."""
        self._root = root

    def put(self, media_id: str, sealed: bytes) -> None:
        """Write whole, synced before and after the rename."""
        path = self._path(media_id)
        if not path.exists():
            write_whole(path, sealed, private=True)

    def get(self, media_id: str) -> bytes:
        """Read the file."""
        try:
            return self._path(media_id).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"evidence {media_id} is not in the store") from None

    def remove(self, media_id: str) -> None:
        """Remove the file, lastingly."""
        path = self._path(media_id)
        if path.exists():
            path.unlink()
            sync_folder(path.parent)

    def _path(self, media_id: str) -> Path:
        if len(media_id) != 64 or not set(media_id) <= set("0123456789abcdef"):
            raise NotFound(f"{media_id[:80]!r} names no evidence")
        return self._root / media_id[:2] / media_id
