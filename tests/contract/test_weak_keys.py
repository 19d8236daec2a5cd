"""Keys that anybody can use are refused; each is derived here from the secret that the standard prints."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from contract.weak_keys import _SMALL_ORDER_Y, WeakKey, require_strong

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
PRINTED_SIGN = (
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5",
    "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
)
PRINTED_SEAL = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
PRINTED_P256 = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721


def good_sign() -> bytes:
    return Ed25519PrivateKey.generate().public_key().public_bytes_raw()


def good_seal() -> bytes:
    return X25519PrivateKey.generate().public_key().public_bytes_raw()


def test_keys_made_by_lot_are_taken() -> None:
    for _ in range(50):
        require_strong(sign_public=good_sign(), seal_public=good_seal(), tls_public=ec.generate_private_key(ec.SECP256R1()).public_key())


@pytest.mark.parametrize("secret", [bytes.fromhex(text) for text in PRINTED_SIGN] + [bytes(32), bytes([7]) * 32, bytes(range(32))])
def test_a_signing_key_from_a_standard_or_a_lazy_seed_is_named(secret: bytes) -> None:
    weak = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    with pytest.raises(WeakKey, match="signing key"):
        require_strong(sign_public=weak, seal_public=good_seal())


@pytest.mark.parametrize("secret", [bytes.fromhex(PRINTED_SEAL), bytes(32), bytes([255]) * 32])
def test_a_sealing_key_from_a_standard_or_a_lazy_seed_is_named(secret: bytes) -> None:
    weak = X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    with pytest.raises(WeakKey, match="sealing key"):
        require_strong(sign_public=good_sign(), seal_public=weak)


@pytest.mark.parametrize("secret", [PRINTED_P256, 1, 2, 256])
def test_a_tls_key_from_a_standard_or_a_lazy_seed_is_named(secret: int) -> None:
    weak = ec.derive_private_key(secret, ec.SECP256R1()).public_key()
    with pytest.raises(WeakKey, match="TLS key"):
        require_strong(sign_public=good_sign(), seal_public=good_seal(), tls_public=weak)


@pytest.mark.parametrize("u", [0, 1, P - 1, P, P + 1, 2**255 - 1 - (2**255 - 1 - P)])
def test_a_sealing_key_of_small_order_is_named(u: int) -> None:
    with pytest.raises(WeakKey, match="small order"):
        require_strong(sign_public=good_sign(), seal_public=u.to_bytes(32, "little"))


def times_eight(y: int) -> tuple[int, int] | None:
    """Eight times a point of Ed25519 with this second coordinate; None if no point has it (RFC 8032, 5.1.3 and 5.1.4)."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    point = (x, y % P)
    for _ in range(3):
        k = D * point[0] ** 2 * point[1] ** 2 % P
        point = (2 * point[0] * point[1] * pow(1 + k, -1, P) % P, (point[1] ** 2 + point[0] ** 2) * pow(1 - k, -1, P) % P)
    return point


def test_the_points_of_small_order_are_just_those() -> None:
    assert {times_eight(y) for y in _SMALL_ORDER_Y} == {(0, 1)}
    for y in _SMALL_ORDER_Y:
        for mirror in (0, 1 << 255):
            with pytest.raises(WeakKey, match="small order"):
                require_strong(sign_public=(y | mirror).to_bytes(32, "little"), seal_public=good_seal())


@given(st.binary(min_size=32, max_size=32))
def test_no_bytes_break_it(data: bytes) -> None:
    try:
        require_strong(sign_public=data, seal_public=data)
    except WeakKey:
        return
