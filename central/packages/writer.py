"""Writes a package: a zip that has exactly one form for its members, so that no byte of it, inside a member or between them, can change
unseen.

Members are stored, not compressed (pictures and film are compressed already, and nothing can swell when it is opened), in the order of the
manifest, with a fixed time. Last come `manifest.json`, which names every other member with its size and SHA-256, and `manifest.jws`, the
centre's signature of the manifest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, BinaryIO, ClassVar, Literal
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from central.errors import BadInput
from central.packages.model import canonical
from contract.ids import Moment, Sha256
from contract.message import Message
from contract.sealed import Signer

MANIFEST = "manifest.json"
SIGNATURE = "manifest.jws"
MOST_BYTES = 4_000_000_000
"""Below what the plain zip format can say."""
MOST_MEMBERS = 60_000
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX, _MODE = 3, 0o644 << 16
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of a package; `what` is a code that says what it is."""

    name: str
    what: str
    content: bytes


class ManifestSeal(Message):
    """The centre's word for a manifest, by its SHA-256."""

    typ: ClassVar[str] = "evidence-package"
    kind: Literal["evidence_package"] = "evidence_package"
    version: Literal[1] = 1
    package: str
    manifest_sha256: Sha256
    at: Moment


def write_package(file: BinaryIO, members: Iterable[Member], head: Mapping[str, Any], signer: Signer, *, now: datetime) -> None:
    """Write one package into an empty file that can seek; one member is in memory at a time. `head` is what the manifest says besides the
    members.

    Raises BadInput where it would outgrow the format, OSError where the disk does not take it.
    """
    listed: list[dict[str, object]] = []
    total = 0
    with ZipFile(file, "w", ZIP_STORED, allowZip64=False) as archive:
        for member in members:
            total += len(member.content)
            if total > MOST_BYTES or len(listed) >= MOST_MEMBERS:
                raise BadInput(f"the package would be larger than {MOST_BYTES} bytes or {MOST_MEMBERS} files: export the captures in parts")
            digest = sha256(member.content).hexdigest()
            listed.append({"name": member.name, "sha256": digest, "size": len(member.content), "what": member.what})
            archive.writestr(_entry(member.name), member.content)
        manifest = canonical({**head, "members": listed})
        seal = ManifestSeal(package=head["package"], manifest_sha256=sha256(manifest).hexdigest(), at=now)
        archive.writestr(_entry(MANIFEST), manifest)
        archive.writestr(_entry(SIGNATURE), signer.sign(seal))


def digest_of(file: BinaryIO) -> str:
    """The SHA-256 of a whole file, read in pieces."""
    found = sha256()
    file.seek(0)
    while piece := file.read(_CHUNK):
        found.update(piece)
    return found.hexdigest()


def _entry(name: str) -> ZipInfo:
    info = ZipInfo(name, _TIME)
    info.create_system, info.external_attr = _UNIX, _MODE
    return info
