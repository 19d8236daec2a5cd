"""A folder for what an engine writes while it works: it holds what was compared, in clear, so nothing of it may stay."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from central.errors import Misconfigured

_PREFIX = "central-"
_HELD = "held"


@contextmanager
def own_folder(inside: Path | None = None) -> Iterator[Path]:
    """A new folder that only this user can read, inside another (the system's for temporary files if None), gone afterwards.

    What killed processes left there, whose lock nobody holds any more, is removed first. Raises Misconfigured if there can be none.
    """
    around = Path(gettempdir()) if inside is None else inside
    try:
        _sweep(around)
        made = TemporaryDirectory(prefix=_PREFIX, dir=around)
    except OSError as error:
        why = f"the engine's own files cannot lie in {around}: {error.strerror}"
        raise Misconfigured(f"{why}; make it a folder that can be written, or name another with --work-dir") from None
    with made as own, _hold(Path(own)):
        yield Path(own)


@contextmanager
def _hold(own: Path) -> Iterator[None]:
    """The lock has its name only once it is held, so that nobody takes a folder that is just being made for one that was left."""
    unnamed = own / f"{_HELD}.new"
    with unnamed.open("x") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(own / _HELD)
        yield


def _sweep(around: Path) -> None:
    for each in around.iterdir():
        if each.name.startswith(_PREFIX):
            with suppress(OSError):  # held, of somebody else, or none of ours at all
                _remove_left(each)


def _remove_left(folder: Path) -> None:
    lock = os.open(folder / _HELD, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe that somebody put there would never open
    try:
        if os.fstat(lock).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
    finally:
        os.close(lock)
