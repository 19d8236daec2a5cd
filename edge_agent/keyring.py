"""This device's own keys as one set: those of its enrolment, or those that replaced them, which lie in one file of the data folder.

One file holds the whole set, so that a crash at any moment leaves one set or the other. The program holds the set in a `KeyRing`, which
changes hands while it runs: whatever signs asks the ring each time.
"""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509.oid import NameOID

from contract.message import Message
from contract.sealed import Signer, TrustedKey, raw_public
from edge_agent.disk.disk import Disk
from edge_agent.errors import BadKey
from edge_agent.keys import WAY_OUT, load_seal_key, load_signer, read_private
from edge_agent.sections.core import Files

ROTATED = "keys.pem"
"""The set in force, once the keys of enrolment were replaced. It begins with the TLS key and its certificate, as TLS libraries want it."""

Key = Ed25519PrivateKey | X25519PrivateKey | EllipticCurvePrivateKey
ReadPrivate = Callable[[Path], bytes]
_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----\n.+?-----END \1-----\n", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """One whole set. `seal_keys` are the one in use and, behind it, the one before, to which a page on its way may still be sealed;
    `earlier` are the raw public halves of signing keys that were replaced, newest first.
    """

    signer: Signer
    seal_keys: tuple[X25519PrivateKey, ...]
    earlier: tuple[bytes, ...] = ()


class KeyRing:
    """The set in use. Safe to use from several threads; who changes it holds the lock of the chain, so that no event falls between."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    @property
    def kid(self) -> str:
        """The thumbprint of the signing key in use."""
        return self._keys.signer.kid

    @property
    def public(self) -> bytes:
        """Its public half, raw."""
        return self._keys.signer.public

    @property
    def keys(self) -> KeySet:
        """The set in use."""
        return self._keys

    def sign(self, message: Message) -> bytes:
        """See `contract.sealed.Signer`."""
        return self._keys.signer.sign(message)

    def find(self, kid: str) -> TrustedKey | None:
        """The key of this device, in use or replaced, that has this thumbprint."""
        return next((key for key in map(_trusted, (self.public, *self._keys.earlier)) if key.kid == kid), None)

    def take(self, keys: KeySet) -> None:
        """Use this set from now on."""
        self._keys = keys


def rotated(files: Files) -> Path:
    """Where the set lies that replaced the keys of enrolment."""
    return files.data_dir / ROTATED


def tls_files(files: Files) -> tuple[Path, Path]:
    """Certificate and key under which the broker knows this device now."""
    path = rotated(files)
    return (path, path) if path.exists() else (files.tls_cert, files.tls_key)


def load_keys(files: Files, read: ReadPrivate = read_private) -> KeySet:
    """The set in force. Raises BadKey for one that is damaged, readable by others or not whole."""
    try:
        content = read(rotated(files))
    except BadKey:
        if rotated(files).exists():
            raise
        return KeySet(signer=load_signer(files.sign_key), seal_keys=(load_seal_key(files.seal_key),))
    return parse(content, rotated(files))


def parse(content: bytes, path: Path) -> KeySet:
    """Read a set. Raises BadKey, naming the file."""
    try:
        private = private_keys(content)
        sign = [key for key in private if isinstance(key, Ed25519PrivateKey)]
        seal = [key for key in private if isinstance(key, X25519PrivateKey)]
        public = [load_pem_public_key(block) for kind, block in _blocks(content) if kind == b"PUBLIC KEY"]
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey(f"{path} is damaged ({type(error).__name__}); {WAY_OUT}") from None
    if len(sign) != 1 or not seal:
        raise BadKey(f"{path} is not a whole set of keys; {WAY_OUT}")
    earlier = tuple(raw_public(key) for key in public if isinstance(key, Ed25519PublicKey))
    return KeySet(signer=Signer(sign[0]), seal_keys=tuple(seal), earlier=earlier)


def certificate_fault(certificate: bytes, public: object, device: str, files: Files) -> str | None:
    """Why this certificate (PEM) is not for this TLS key of this device, or of an authority that we do not believe. Raises OSError."""
    try:
        found = x509.load_pem_x509_certificate(certificate)
        trusted = x509.load_pem_x509_certificates(files.tls_ca.read_bytes())
        names = [str(each.value) for each in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except ValueError as error:
        return f"it cannot be read: {error}"
    if found.public_key() != public or names != [device]:
        return "it is for another key or another device"
    return None if any(_issued(found, authority) for authority in trusted) else "another authority issued it"


def put_certificate(certificate: bytes, device: str, files: Files, disk: Disk) -> Path:
    """Use this certificate (PEM) with the TLS key in use from the next connection on; which file holds it. Its owner and rights stay.

    Raises BadKey for one that does not fit, or OSError; what was there stands then.
    """
    path, key_path = tls_files(files)
    content = disk.read_private(key_path)
    try:
        public = next(key.public_key() for key in private_keys(content) if isinstance(key, EllipticCurvePrivateKey))
    except (ValueError, TypeError, StopIteration, UnsupportedAlgorithm) as error:
        raise BadKey(f"{key_path} is damaged ({type(error).__name__}); {WAY_OUT}") from None
    if fault := certificate_fault(certificate, public, device, files):
        raise BadKey(f"this certificate does not fit: {fault}")
    pem = x509.load_pem_x509_certificate(certificate).public_bytes(Encoding.PEM)
    if path == key_path:
        first, *others = [block for kind, block in _blocks(content) if kind != b"CERTIFICATE"]
        pem = b"".join([first, pem, *others])
    was = path.stat()
    disk.write_durably(path, pem)
    path.chmod(was.st_mode & 0o777)
    if os.geteuid() == 0:
        os.chown(path, was.st_uid, was.st_gid)
    return path


def private_keys(content: bytes) -> list[object]:
    """Every private key of a file, in its order. Raises ValueError or UnsupportedAlgorithm."""
    return [load_pem_private_key(block, password=None) for kind, block in _blocks(content) if kind == b"PRIVATE KEY"]


def written(private: Sequence[Key], *, certificate: bytes = b"", earlier: Sequence[bytes] = ()) -> bytes:
    """The content of such a file: the first key and its certificate, the other keys, and public halves of what was replaced."""
    first, *others = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in private]
    old = [Ed25519PublicKey.from_public_bytes(raw).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for raw in earlier]
    return b"".join([first, certificate, *others, *old])


def _blocks(content: bytes) -> list[tuple[bytes, bytes]]:
    return [(found[1], found[0]) for found in _BLOCK.finditer(content)]


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - hostile DER fails in many ways
        return False
    return True


@lru_cache(maxsize=256)
def _trusted(public: bytes) -> TrustedKey:
    return TrustedKey(public)
