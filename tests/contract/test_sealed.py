"""Signatures and seals: only exact bytes by exactly the right key for exactly this use."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey

from contract.message import MAX_BYTES
from contract.sealed import Signer, TrustedKey, Untrusted, from_text, raw_public, seal, to_text, unseal, verify
from tests.builders import death

SIGNER = Signer(Ed25519PrivateKey.generate())
TRUSTED = TrustedKey(SIGNER.public)
KEYS = {TRUSTED.kid: TRUSTED}.get
SIGNED = SIGNER.sign(death())
RECIPIENT = X25519PrivateKey.generate()
SEALED = seal(b"a face", raw_public(RECIPIENT.public_key()), "picture/1 A")


def test_a_signature_gives_back_the_exact_bytes() -> None:
    verified = verify(SIGNED, KEYS, "state")
    assert verified.payload == death().to_bytes()
    assert verified.kid == SIGNER.kid


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, difference: int) -> None:
    changed = bytearray(SIGNED)
    changed[place] ^= difference
    with pytest.raises(Untrusted):
        verify(bytes(changed), KEYS, "state")


@given(st.binary(max_size=300))
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(Untrusted):
        verify(data, KEYS, "state")


def test_another_key_another_family_and_another_size_are_refused() -> None:
    stranger = Signer(Ed25519PrivateKey.generate())
    for signed, typ, says in (
        (stranger.sign(death()), "state", "not trusted"),
        (SIGNED, "event", "expected 'event'"),
        (b"a" * (MAX_BYTES + 1), "state", "more than"),
    ):
        with pytest.raises(Untrusted, match=says):
            verify(signed, KEYS, typ)


def test_the_public_key_cannot_be_used_as_a_shared_secret() -> None:
    header = {"alg": "HS256", "kid": SIGNER.kid, "typ": "state"}
    forged = jws.serialize_compact(header, death().to_bytes(), OctKey.import_key(SIGNER.public))
    with pytest.raises(Untrusted):
        verify(forged.encode(), KEYS, "state")


def test_no_algorithm_is_no_signature() -> None:
    header = to_text(b'{"alg":"none","kid":"%s","typ":"state"}' % SIGNER.kid.encode())
    with pytest.raises(Untrusted):
        verify(f"{header}.{to_text(death().to_bytes())}.".encode(), KEYS, "state")


@pytest.mark.parametrize("kid", ["", "\x00", "a" * 42, "a" * 44, "../../key", None, 7, ["a" * 43]])
def test_a_key_is_looked_up_by_a_thumbprint_only(kid: object) -> None:
    asked: list[str] = []
    header = to_text(json.dumps({"alg": "Ed25519", "kid": kid, "typ": "state"}).encode())
    with pytest.raises(Untrusted):
        verify(f"{header}.e30.AAAA".encode(), asked.append, "state")
    assert asked == []


def test_a_seal_opens_for_its_key_and_purpose_only() -> None:
    assert unseal(SEALED, RECIPIENT, "picture/1 A") == b"a face"
    for sealed, key, purpose in (
        (SEALED, RECIPIENT, "picture/1 B"),
        (SEALED, X25519PrivateKey.generate(), "picture/1 A"),
        (SEALED[:-1], RECIPIENT, "picture/1 A"),
        (SEALED[1:], RECIPIENT, "picture/1 A"),
        (b"", RECIPIENT, "picture/1 A"),
    ):
        with pytest.raises(Untrusted):
            unseal(sealed, key, purpose)


def test_two_seals_of_the_same_differ() -> None:
    assert seal(b"a face", raw_public(RECIPIENT.public_key()), "picture/1 A") != SEALED


@given(st.binary(max_size=100))
def test_text_form_goes_there_and_back(data: bytes) -> None:
    assert from_text(to_text(data)) == data
