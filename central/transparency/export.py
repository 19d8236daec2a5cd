"""The log as a file that anybody can check without us: a zip of the signed checkpoint, the keys, every leaf, and the audit log if asked.

Every byte of the file is determined by what it holds, so that a changed one is found wherever it lies.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from sqlalchemy import Connection

from central.errors import BadInput
from central.files import sync_folder
from central.keys import CentreKeys
from central.transparency import store
from central.transparency.model import Signed, canonical
from contract.checkpoints import VerifierKey, read_signatures, signed_by

_AT_ONCE = 10_000
_DATE = (1980, 1, 1, 0, 0, 0)
_LARGEST = 2**31 - 2**20
_UNIX, _MODE = 3, 0o644

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written."""

    leaves: int
    witnesses: tuple[str, ...]


def write(
    db: Connection,
    signed: Signed,
    keys: CentreKeys,
    witnesses: Iterable[VerifierKey],
    path: Path,
    *,
    audit: Iterable[bytes] | None = None,
    progress: Progress = lambda _: None,
) -> Exported:
    """Write the log up to this checkpoint; the file appears whole or not at all. Raises BadInput where a member would be too large.

    `audit` are lines for audit.jsonl. Co-signatures of witnesses that are not named are left out, for nobody could check them.
    """
    draft = path.with_name(f".{path.name}.part")
    cosigned = _cosignatures(db, signed, witnesses)
    try:
        with ZipFile(draft, "w", ZIP_STORED) as archive:
            _add(archive, "checkpoint", [(signed.note + "".join(cosigned.values())).encode()])
            public = {key.name: b64encode(key.public).decode() for key in cosigned}
            _add(archive, "keys.json", [canonical({"log": b64encode(keys.log_public).decode(), "witnesses": public})])
            _add(archive, "leaves.jsonl", _leaf_lines(db, signed.checkpoint.size, progress))
            if audit is not None:
                _add(archive, "audit.jsonl", audit)
        draft.replace(path)
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)
    return Exported(leaves=signed.checkpoint.size, witnesses=tuple(sorted(public)))


def _cosignatures(db: Connection, signed: Signed, witnesses: Iterable[VerifierKey]) -> dict[VerifierKey, str]:
    known = {key.name: key for key in witnesses}
    found: dict[VerifierKey, str] = {}
    for line in store.cosignatures(db, signed.checkpoint.size):
        (signature,) = read_signatures(line)
        key = known.get(signature.name)
        if key is not None and signed_by(signed.checkpoint, signature, key) is not None:
            found[key] = line
    return found


def _leaf_lines(db: Connection, size: int, progress: Progress) -> Iterator[bytes]:
    for first in range(0, size, _AT_ONCE):
        leaves = store.leaves(db, first, min(size, first + _AT_ONCE))
        yield b"".join(leaf.data + b"\n" for leaf in leaves)
        progress(f"{first + len(leaves)} of {size} leaves written")


def _add(archive: ZipFile, name: str, parts: Iterable[bytes]) -> None:
    info = ZipInfo(name, date_time=_DATE)
    info.create_system, info.external_attr = _UNIX, _MODE << 16
    written = 0
    with archive.open(info, "w") as member:
        for part in parts:
            written += len(part)
            if written > _LARGEST:
                raise BadInput(f"{name} would be larger than {_LARGEST} bytes: export an earlier checkpoint, or read the tiles by the API")
            member.write(part)
