"""Public keys that anybody can use: printed in standards, made from a seed that a lazy program takes, or without any secret at all. Pure.

A device that shows one was set up from a sample, or somebody pretends to be one. Whether a key belongs to another device is for the centre
to know. Sources: RFC 8032 7.1, RFC 8037 A, RFC 7748 6.1, RFC 6979 A.2.5, RFC 7517 A, RFC 7515 A.3.
"""

from functools import cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

_PRINTED_SIGN = frozenset(
    {
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    }
)
_PRINTED_SEAL = frozenset(
    {
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    }
)
_PRINTED_P256 = frozenset(
    {
        0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
        0x30A0424CD21C2944838A2D75C92B37E76EA20D9F00893A3B4EEE8A3C0AAFEC3E,
        0x7FCDCE2770F6C45D4183CBEE6FDB4B7B580733357BE9EF13BACF6E3C7BD15445,
    }
)
"""The first coordinate of a point: its mirror image belongs to the same secret."""

_SMALL_ORDER_Y = frozenset(
    {
        0,
        1,
        2**255 - 20,
        2**255 - 19,
        2**255 - 18,
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    }
)
"""Second coordinates of the eight points of Ed25519 whose order divides eight, and their other spellings: anybody signs for these."""
_MIRROR = 1 << 255


class WeakKey(ValueError):
    """The key is no secret of this device. The message names which, and why."""


def require_strong(*, sign_public: bytes, seal_public: bytes, tls_public: ec.EllipticCurvePublicKey | None = None) -> None:
    """Raises WeakKey for raw public keys of Ed25519 and X25519, or a P-256 key, that anybody can use; ValueError if they are no keys."""
    if weak := _weak_sign(sign_public):
        raise WeakKey(f"the signing key is {weak}: make a new one on the device")
    if weak := _weak_seal(seal_public):
        raise WeakKey(f"the sealing key is {weak}: make a new one on the device")
    if tls_public is not None and (weak := _weak_p256(tls_public)):
        raise WeakKey(f"the TLS key is {weak}: make a new one on the device")


def _weak_sign(public: bytes) -> str | None:
    if int.from_bytes(public, "little") & (_MIRROR - 1) in _SMALL_ORDER_Y:
        return "a point of small order, for which anybody can sign"
    return _known(public, _PRINTED_SIGN, _lazy()[0])


def _weak_seal(public: bytes) -> str | None:
    try:
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        return "a point of small order, which seals to nobody"
    return _known(public, _PRINTED_SEAL, _lazy()[1])


def _weak_p256(public: ec.EllipticCurvePublicKey) -> str | None:
    if public.public_numbers().x in _PRINTED_P256:
        return "printed in a standard"
    return "made from a seed that anybody guesses" if public.public_numbers().x in _lazy_p256() else None


def _known(public: bytes, printed: frozenset[str], lazy: frozenset[bytes]) -> str | None:
    if public.hex() in printed:
        return "printed in a standard"
    return "made from a seed that anybody guesses" if public in lazy else None


@cache
def _lazy() -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Public keys of seeds that nobody drew by lot."""
    seeds = [*(bytes([number]) * 32 for number in range(256)), bytes(range(32)), bytes(range(1, 33)), *_sample_seeds()]
    return (
        frozenset(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw() for seed in seeds),
        frozenset(X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw() for seed in seeds),
    )


def _sample_seeds() -> list[bytes]:
    """Of this project's own examples, and of the words that samples are made from."""
    return [sha256(text.encode()).digest() for text in ("golden key, never trusted", "", "test", "secret", "password", "changeme", "0")]


@cache
def _lazy_p256() -> frozenset[int]:
    return frozenset(ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers().x for number in range(1, 257))
