"""Checkpoints of the transparency log: how many leaves it has and their root, in a signed note that anybody can carry and check.

The forms are those of C2SP: tlog-checkpoint (origin, size, root), signed-note (lines of signatures, key ids, verifier keys) and
tlog-cosignature (a witness's cosignature/v1). Signed text is verified first and read afterwards.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contract.sealed import Untrusted, raw_public

LOG, WITNESS = 1, 4
"""Signature types: Ed25519 by the log itself, and a witness's timestamped cosignature/v1."""
MAX_NOTE = 16 * 1024
"""Characters of a note; sixteen signatures take a tenth of it."""
HASH = 32

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[^\s+]{1,200}")
_LINE = re.compile(r"\u2014 ([^\s+]{1,200}) ([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log commits to: the RFC 6962 root (32 bytes) of its first `size` leaves."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One line below a note: who says to have signed, the key's id, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """As it stands in the note."""
        return f"\u2014 {self.name} {b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A name with an Ed25519 public key (32 bytes) and what it signs: LOG or WITNESS."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes by which a line says which key it is of."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        """The signed-note form: name, key id and key, joined by plus signs."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Undo `str`. Raises ValueError naming what is wrong."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        material = _decoded(encoded)
        if not _NAME.fullmatch(name) or len(material) != 1 + HASH or material[0] not in (LOG, WITNESS):
            raise ValueError(f"verifier key {text[:80]!r} is not name+id+key with an Ed25519 key")
        key = cls(name=name, kind=material[0], public=material[1:])
        Ed25519PublicKey.from_public_bytes(key.public)
        if key.key_id.hex() != key_id:
            raise ValueError(f"verifier key {text[:80]!r}: its id should be {key.key_id.hex()}; it was mistyped or cut")
        return key


def sign(checkpoint: Checkpoint, private: Ed25519PrivateKey) -> str:
    """The checkpoint as a note signed by the log under the name of its origin."""
    key = VerifierKey(name=checkpoint.origin, kind=LOG, public=raw_public(private.public_key()))
    line = Signature(name=key.name, key_id=key.key_id, signature=private.sign(checkpoint.body.encode())).line
    return f"{checkpoint.body}\n{line}"


def cosign(checkpoint: Checkpoint, name: str, private: Ed25519PrivateKey, at: int) -> Signature:
    """What a witness adds at this POSIX time: it knows of no larger tree of this log, and all it ever saw of it agree."""
    key = VerifierKey(name=name, kind=WITNESS, public=raw_public(private.public_key()))
    signed = private.sign(_cosigned(checkpoint.body, at))
    return Signature(name=name, key_id=key.key_id, signature=at.to_bytes(8, "big") + signed)


def read(note: str) -> tuple[Checkpoint, tuple[Signature, ...]]:
    """The parts of a note, nothing verified. Raises ValueError unless it has exactly the form that `sign` writes."""
    if len(note) > MAX_NOTE:
        raise ValueError(f"a note of {len(note)} characters is longer than {MAX_NOTE}")
    body, parted, lines = note.partition("\n\n")
    parts = body.split("\n")
    if not parted or len(parts) != 3 or not lines.endswith("\n"):
        raise ValueError("a checkpoint has three lines, an empty one, and lines of signatures")
    origin, size, root = parts
    if not _NAME.fullmatch(origin) or not _SIZE.fullmatch(size) or len(_decoded(root)) != HASH:
        raise ValueError("a checkpoint names its origin, the number of leaves and a root of 32 bytes in base64")
    return Checkpoint(origin=origin, size=int(size), root=_decoded(root)), read_signatures(lines)


def read_signatures(lines: str) -> tuple[Signature, ...]:
    """Lines of signatures, at least one. Raises ValueError."""
    found = []
    for line in lines.removesuffix("\n").split("\n"):
        match = _LINE.fullmatch(line)
        if match is None or len(_decoded(match[2])) < 4 + 64:
            raise ValueError("a signature is a dash, a name, and at least 68 bytes in base64")
        signed = _decoded(match[2])
        found.append(Signature(name=match[1], key_id=signed[:4], signature=signed[4:]))
    return tuple(found)


def open_note(note: str, log: VerifierKey) -> Checkpoint:
    """The checkpoint that this log signed. Raises Untrusted for any other text, log or key."""
    try:
        checkpoint, signatures = read(note)
    except ValueError as error:
        raise Untrusted(f"no checkpoint: {error}") from None
    if checkpoint.origin != log.name:
        raise Untrusted(f"a checkpoint of {checkpoint.origin[:80]!r}, not of {log.name!r}")
    if not any(signed_by(checkpoint, signature, log) is not None for signature in signatures):
        raise Untrusted("the checkpoint carries no valid signature of the log")
    return checkpoint


def signed_by(checkpoint: Checkpoint, signature: Signature, key: VerifierKey) -> int | None:
    """The POSIX time of a witness's valid line, 0 for a valid one of the log itself, None for one of another key or a false one."""
    if (signature.name, signature.key_id) != (key.name, key.key_id):
        return None
    at, signed, text = 0, signature.signature, checkpoint.body.encode()
    if key.kind == WITNESS:
        at, signed = int.from_bytes(signed[:8], "big"), signed[8:]
        text = _cosigned(checkpoint.body, at)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signed, text)
    except InvalidSignature:
        return None
    return at


def with_signatures(note: str, more: Iterable[Signature]) -> str:
    """The note with further lines."""
    return note + "".join(signature.line for signature in more)


def _cosigned(body: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{body}".encode()


def _decoded(text: str) -> bytes:
    """Standard base64 in its one canonical form, else nothing."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if b64encode(data).decode() == text else b""
