"""Take single files from a public address. Set-up time only."""

from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    UnknownHandler,
)

from models.errors import FetchFailed
from models.manifest import Archive

TIMEOUT_S = 20.0  # without a byte
MAX_FILE_BYTES = 128 * 1024 * 1024


def download(archive: Archive, member: str, folder: Path) -> Path:
    """The file `member` below the archive's address, newly in `folder` under its last name.

    Speaks only https, also when it is sent elsewhere; uses the machine's proxy settings. Does not check a hash. Raises FetchFailed.
    """
    place = f"{archive.address}/{member}"
    try:
        with _opener().open(place, timeout=TIMEOUT_S) as answer:
            content = answer.read(MAX_FILE_BYTES + 1)
            outstanding = answer.length
    except HTTPError as error:
        error.close()
        raise FetchFailed(f"{place} was refused ({error.code} {error.reason}); {_way_out(member)}") from error
    except (OSError, HTTPException) as error:
        raise FetchFailed(f"{place} cannot be reached ({error}); {_way_out(member)}") from error
    if len(content) > MAX_FILE_BYTES:
        raise FetchFailed(f"{place} is larger than {MAX_FILE_BYTES} bytes; this is not the file that was published. {_way_out(member)}")
    if outstanding:
        raise FetchFailed(f"{place} broke off with {outstanding} bytes to come; try again, or {_way_out(member)}")
    path = folder / Path(member).name
    path.write_bytes(content)
    return path


def _opener() -> OpenerDirector:
    """An opener that knows no other scheme, so that no redirection leads to a file of this machine or to plain text."""
    opener = OpenerDirector()
    handlers = (ProxyHandler, HTTPSHandler, HTTPDefaultErrorHandler, HTTPRedirectHandler, HTTPErrorProcessor, UnknownHandler)
    for handler in handlers:
        opener.add_handler(handler())
    return opener


def _way_out(member: str) -> str:
    return f"put {Path(member).name} into a folder and name it with --mirror"
