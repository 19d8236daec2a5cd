"""What a leaf of the log is, what proves it, and what goes wrong with a log. Pure."""

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from central.errors import BadInput, CentralError
from central.transparency.tree import leaf_hash
from contract.checkpoints import Checkpoint

SALT = 32
LATE = timedelta(minutes=30)
"""A witness that has not co-signed for so long, while the log grew, is shown as late."""
MAX_REF = 96


class Kind(StrEnum):
    """What a leaf commits to."""

    EVENT = "event"
    """A signed event of a device. ref: device/epoch/seq; content: the signed bytes."""
    FINDING = "finding"
    """A finding as it then stood. ref: jr_id#version; content: canonical JSON of its row."""
    AUDIT = "audit"
    """An entry of the audit log. ref: its sha256; content: the bytes that this hash is of."""


_KINDS = frozenset(Kind)
_REF = re.compile(rf"[!-~]{{1,{MAX_REF}}}")


class LogBroken(CentralError):
    """The stored tree is not the one that was signed: nothing is signed or proved until somebody has looked."""

    status = 500
    code = "log_broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something to be logged: `ref` names it among its kind, `content` is committed to and stays where it is."""

    kind: str
    ref: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One entry of the log as it is kept. Without the salt the commitment says nothing about the content, whoever guesses it."""

    kind: str
    ref: str
    at: datetime
    commitment: bytes
    salt: bytes | None

    @property
    def data(self) -> bytes:
        """The bytes that are hashed into the tree; they never change."""
        return leaf_bytes(self.kind, self.at, self.commitment)

    @property
    def hash(self) -> bytes:
        """Its hash in the tree."""
        return leaf_hash(self.data)

    def opens(self, content: bytes) -> bool | None:
        """Whether the leaf commits to this content; None once its salt was erased."""
        return None if self.salt is None else hmac.compare_digest(commit(self.salt, content), self.commitment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a leaf is at `index` among the first `size`: `path` leads from its hash to the root of `checkpoint` (a signed note).

    `salt` opens the leaf's commitment to the content; it is None once the content was erased.
    """

    kind: str
    ref: str
    index: int
    leaf: bytes
    salt: bytes | None
    path: tuple[bytes, ...]
    size: int
    checkpoint: str

    def opens(self, content: bytes) -> bool | None:
        """Whether the leaf commits to this content; None once its salt was erased."""
        said = json.loads(self.leaf)
        return None if self.salt is None else hmac.compare_digest(commit(self.salt, content).hex(), said["commitment"])

    def plain(self) -> dict[str, Any]:
        """As JSON says it: salt in hexadecimal, hashes of the path in base64."""
        named = {"kind": self.kind, "ref": self.ref, "index": self.index, "leaf": self.leaf.decode(), "size": self.size}
        path = [b64encode(hash).decode() for hash in self.path]
        return named | {"salt": None if self.salt is None else self.salt.hex(), "path": path, "checkpoint": self.checkpoint}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A checkpoint that the centre signed, and the note that says so."""

    checkpoint: Checkpoint
    note: str
    signed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The newest checkpoint that a device said, in its own signed chain, to have seen. `fits`: it is one of this log's."""

    device_id: str
    size: int
    root: str
    said_at: datetime
    fits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessState:
    """How far a witness has co-signed, when it was last asked, and what went wrong then (None: nothing)."""

    witness: str
    size: int
    asked_at: datetime
    cosigned_at: datetime | None
    fault: str | None

    def is_late(self, size: int, now: datetime) -> bool:
        """Whether the log has grown to `size` and this witness has not vouched for anything of it for long."""
        return self.size < size and (self.cosigned_at is None or now - self.cosigned_at > LATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What a walk over the whole log found. `faults` names each thing that is not as it must be."""

    size: int
    root: str
    waiting: int
    cosignatures: int
    anchors: int
    forgotten: int
    faults: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """Whether everything fits."""
        return not self.faults

    def lines(self) -> Iterator[str]:
        """The report as lines for a terminal."""
        yield f"{self.size} leaves, root {self.root}; {self.waiting} wait for a place, {self.forgotten} salts are erased"
        yield f"{self.cosignatures} co-signatures and {self.anchors} devices' anchors checked"
        yield from (f"FAULT {each}" for each in self.faults)


def commit(salt: bytes, content: bytes) -> bytes:
    """HMAC-SHA256 under a fresh salt: binding, and worth nothing to a guesser once the salt is gone."""
    return hmac.digest(salt, content, "sha256")


def leaf_bytes(kind: str, at: datetime, commitment: bytes) -> bytes:
    """The canonical JSON of a leaf: sorted keys, no spaces, UTC with microseconds. It holds nothing personal."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return f'{{"at":"{moment}","commitment":"{commitment.hex()}","kind":"{kind}","v":1}}'.encode()


def canonical(content: Mapping[str, Any]) -> bytes:
    """One way to write a JSON object: sorted keys, no spaces, UTF-8. Raises BadInput for what JSON cannot say exactly."""
    try:
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise BadInput(f"this cannot be written as JSON: {error}") from None


def checked(entry: Entry) -> Entry:
    """Raises BadInput for an unknown kind or a reference that does not fit its column."""
    if entry.kind not in _KINDS:
        raise BadInput(f"log kind {entry.kind[:40]!r} is none of {', '.join(Kind)}")
    if not _REF.fullmatch(entry.ref):
        raise BadInput(f"log reference {entry.ref[:80]!r}: allowed are 1 to {MAX_REF} printed characters without spaces")
    return entry


def event_ref(device_id: str, epoch: int, seq: int) -> str:
    """The name of an event in the log."""
    return f"{device_id}/{epoch}/{seq}"
