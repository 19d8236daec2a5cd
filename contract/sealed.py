"""Sign, verify, seal, open: the whole cryptography between edge and centre.

Signatures are compact JWS (RFC 7515) with Ed25519 (RFC 8037, RFC 9864); the `typ` header separates message families and the `kid`
header is the RFC 7638 thumbprint of the signer's key. Seals are HPKE (RFC 9180), X25519, HKDF-SHA256, AES-256-GCM.
Signed bytes are verified first and parsed afterwards; nothing is ever serialised again to be checked.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from contract.message import MAX_BYTES, Message

_ALGORITHMS = ["Ed25519"]
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_SEAL_FORMAT = b"\x01"
_ENCAPSULATED = 32
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


class _Registry(jws.JWSRegistry):
    max_payload_length = MAX_BYTES * 2


_registry = _Registry(algorithms=_ALGORITHMS)


class Untrusted(ValueError):
    """The bytes are not signed by a key that is trusted here for this kind of message, or cannot be opened with this key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a valid signature covers. `sha256` names the signed whole and is what the next event of the chain points to."""

    kid: str
    payload: bytes
    sha256: str


class Signer:
    """Holds one Ed25519 private key and signs messages with it."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        """Keep the key in its JWK form; nothing is written anywhere."""
        self._key = OKPKey.import_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self._raw = private.private_bytes_raw()
        self.kid = self._key.thumbprint()
        self.public = raw_public(private.public_key())

    def derive(self, purpose: str) -> str:
        """A secret text for one purpose that only the holder of this key can make, the same every time."""
        return to_text(HKDF(SHA256(), 32, None, b"derived/1 " + purpose.encode()).derive(self._raw))

    def sign(self, message: Message) -> bytes:
        """Serialise once and sign. Raises ValueError above MAX_BYTES, so that no peer has to refuse it."""
        header = {"alg": _ALGORITHMS[0], "kid": self.kid, "typ": message.typ}
        signed = jws.serialize_compact(header, message.to_bytes(), self._key, registry=_registry).encode()
        if len(signed) > MAX_BYTES:
            raise ValueError(f"a signed {message.typ} of {len(signed)} bytes is larger than {MAX_BYTES} bytes: send it in pages")
        return signed


class TrustedKey:
    """One Ed25519 public key that signatures may be checked against."""

    def __init__(self, public: bytes) -> None:
        """Take the raw 32 bytes. Raises ValueError if they are no Ed25519 key."""
        key = Ed25519PublicKey.from_public_bytes(public)
        self.jwk = OKPKey.import_key(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        self.kid = self.jwk.thumbprint()


def verify(signed: bytes, find_key: Callable[[str], TrustedKey | None], typ: str) -> Verified:
    """Check the signature of a compact JWS; `find_key` maps a kid to a key trusted for exactly this use.

    Does not parse the payload. Raises Untrusted for a size above MAX_BYTES, an unknown key, another `typ`, or a false signature.
    """
    if len(signed) > MAX_BYTES:
        raise Untrusted(f"{len(signed)} bytes are more than the {MAX_BYTES} allowed")
    try:
        header = jws.extract_compact(signed, registry=_registry).headers()
        if header.get("typ") != typ:
            raise Untrusted(f"signed as {str(header.get('typ'))[:16]!r}, expected {typ!r}")
        key = find_key(_kid(header.get("kid")))
        if key is None:
            raise Untrusted("signed by a key that is not trusted here")
        payload = jws.deserialize_compact(signed, key.jwk, registry=_registry).payload
    except (JoseError, ValueError, UnicodeError) as error:
        if isinstance(error, Untrusted):
            raise
        raise Untrusted(f"not validly signed: {type(error).__name__}") from None
    return Verified(kid=key.kid, payload=payload, sha256=digest(signed))


def _kid(value: object) -> str:
    """An RFC 7638 thumbprint and nothing else: it is looked up before anything is verified."""
    if not isinstance(value, str) or not _THUMBPRINT.fullmatch(value):
        raise Untrusted("the header names no key")
    return value


def digest(signed: bytes) -> str:
    """The SHA-256 by which a signed message is named, in hexadecimal."""
    return sha256(signed).hexdigest()


def seal(plain: bytes, recipient: bytes, purpose: str) -> bytes:
    """Encrypt to the raw X25519 public key of `recipient`, bound to `purpose`: a seal for one purpose does not open for another."""
    return _SEAL_FORMAT + _SUITE.encrypt(plain, X25519PublicKey.from_public_bytes(recipient), info=purpose.encode())


def unseal(sealed: bytes, private: X25519PrivateKey, purpose: str) -> bytes:
    """Undo `seal`. Raises Untrusted for another key, another purpose, another format or changed bytes."""
    if sealed[:1] != _SEAL_FORMAT:
        raise Untrusted("not a seal of a known format")
    try:
        return _SUITE.decrypt(sealed[1:], private, info=purpose.encode())
    except (InvalidTag, ValueError):
        raise Untrusted("the seal does not open with this key for this purpose") from None


def shared_secret(sealed: bytes, private: X25519PrivateKey) -> bytes:
    """The raw X25519 secret of one seal: it opens this seal and no other, so a stranger can check what was sealed without our key.

    Raises Untrusted for bytes that are no seal.
    """
    if sealed[:1] != _SEAL_FORMAT or len(sealed) < 1 + _ENCAPSULATED:
        raise Untrusted("not a seal of a known format")
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(sealed[1 : 1 + _ENCAPSULATED]))
    except ValueError:
        raise Untrusted("the seal names no key that could have made it") from None


def raw_public(key: Ed25519PublicKey | X25519PublicKey) -> bytes:
    """The 32 raw bytes of a public key."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def to_text(data: bytes) -> str:
    """Base64url without padding, as every binary field of the contract is written."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """Undo `to_text`. Raises ValueError for anything else."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except Base64Error as error:
        raise ValueError(f"not base64url text: {error}") from None


def picture_purpose(device: str) -> str:
    """The purpose under which a capture's picture is sealed to the centre."""
    return f"capture-picture/1 {device}"


def embedding_purpose(device: str, msgid: str) -> str:
    """The purpose under which a capture's embedding is sealed to the centre."""
    return f"capture-embedding/1 {device} {msgid}"


def gallery_purpose(device: str) -> str:
    """The purpose under which a gallery page is sealed to a device."""
    return f"gallery-page/1 {device}"
