"""Where weights lie, and the proof that they are the right ones.

Beside every file lies a record, `<file>.json`, written when it was fetched: the hash of the published file, what converted it, the hash of
the result.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from models.errors import VersionMismatch, WeightsMissing, WrongHash
from models.manifest import Item

PACKS = {"picture": "demo", "liveness_near": "liveness", "liveness_wide": "liveness"}  # role to pack; every other role is "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How a file came to be. `source_sha256` is of the published file, `sha256` of the file beside the record."""

    source_sha256: str
    converter: str
    sha256: str


def default_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """MODELS_DIR if it is set, else `var/models` beside this package's folder."""
    return Path(environ.get("MODELS_DIR") or Path(__file__).resolve().parent.parent / "var" / "models")


def load(folder: Path, item: Item) -> bytes:
    """The content of a fetched file, verified. Raises WeightsMissing, WrongHash or VersionMismatch (made by another converter)."""
    path = folder / item.file
    record = _read_record(path, item)
    expected = Record(source_sha256=item.sha256, converter=conversion(item), sha256=record.sha256)
    if record != expected:
        raise VersionMismatch(
            f"{path} was made from {record.source_sha256!s:.12} by {record.converter}; this program needs "
            f"{item.sha256[:12]} by {expected.converter}. Fetch it again: {_remedy(folder, item)}"
        )
    content = path.read_bytes()
    found = sha256(content)
    if found != record.sha256:
        raise WrongHash(
            f"{path} has sha256 {found}, its record says {record.sha256}: it is damaged or was exchanged. "
            f"Remove it and fetch it again: {_remedy(folder, item)}"
        )
    return content


def store(folder: Path, item: Item, content: bytes) -> None:
    """Keep a converted file and its record. The record comes last: without it the file does not count."""
    record = Record(source_sha256=item.sha256, converter=conversion(item), sha256=sha256(content))
    path = folder / item.file
    _record_path(path).unlink(missing_ok=True)
    write_whole(path, content)
    write_whole(_record_path(path), json.dumps(asdict(record), indent=2).encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that, whatever happens, its name never stands for a part of it."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def conversion(item: Item) -> str:
    """What makes the kept file out of the published one, for example "convert_centerface/1", or "none"."""
    return f"{item.converter}/{item.revision}" if item.converter else "none"


def sha256(content: bytes) -> str:
    """Lower-case hexadecimal digest."""
    return hashlib.sha256(content).hexdigest()


def _read_record(path: Path, item: Item) -> Record:
    missing = [name for name in (path, _record_path(path)) if not name.is_file()]
    if missing:
        raise WeightsMissing(f"{missing[0]} is missing; fetch it: {_remedy(path.parent, item)}")
    try:
        return Record(**json.loads(_record_path(path).read_bytes()))
    except (ValueError, TypeError) as error:
        raise WrongHash(f"{_record_path(path)} is damaged ({error}); remove it and fetch again: {_remedy(path.parent, item)}") from error


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _remedy(folder: Path, item: Item) -> str:
    return f"python -m models fetch --pack {PACKS.get(item.role, 'window')} --folder {folder}"
