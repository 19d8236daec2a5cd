"""That new keys of a device are in its hands: a signature by the new signing key over the device's name and everything that is offered."""

from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_WHAT = b"window-watch key offer/1"


def prove(private: Ed25519PrivateKey, device: str, *, seal_public: bytes, csr: bytes) -> bytes:
    """64 bytes that only the holder of the new signing key can make; they hold for this device and these other keys alone."""
    return private.sign(_statement(device, private.public_key().public_bytes_raw(), seal_public, csr))


def is_proved(proof: bytes, device: str, *, sign_public: bytes, seal_public: bytes, csr: bytes) -> bool:
    """Whether `prove` made this. Raises ValueError if `sign_public` is no Ed25519 key."""
    try:
        Ed25519PublicKey.from_public_bytes(sign_public).verify(proof, _statement(device, sign_public, seal_public, csr))
    except InvalidSignature:
        return False
    return True


def _statement(device: str, sign_public: bytes, seal_public: bytes, csr: bytes) -> bytes:
    return b"\n".join((_WHAT, device.encode(), sign_public.hex().encode(), seal_public.hex().encode(), sha256(csr).hexdigest().encode()))
