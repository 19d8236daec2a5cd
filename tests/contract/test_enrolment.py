"""Enrolment messages: a token that was mistyped is known, and nobody but the right two sides can make or read anything."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from contract.enrolment import (
    MAX_ANSWER,
    MAX_REQUEST,
    BadToken,
    EnrolmentRequest,
    Granted,
    Token,
    open_answer,
    open_request,
    read_envelope,
    write_answer,
    write_request,
)
from contract.message import MalformedMessage
from contract.sealed import Signer, Untrusted, raw_public, to_text
from tests.builders import AT, DEVICE, SITE

CENTRE, DEVICE_KEY, SEAL = Signer(Ed25519PrivateKey.generate()), Signer(Ed25519PrivateKey.generate()), X25519PrivateKey.generate()
TLS = ec.generate_private_key(ec.SECP256R1())
CSR = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(TLS, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
TOKEN = Token(
    token_id=to_text(bytes(range(16))),
    secret=to_text(bytes(range(100, 132))),
    centre_kid=CENTRE.kid,
    device=DEVICE,
    fixmedins_code=SITE,
    addresses=("http://10.0.0.1:8080", "https://centre.example/watch"),
    issued_at=AT,
    valid_until=AT + timedelta(days=7),
)
REQUEST = EnrolmentRequest(
    token_id=TOKEN.token_id, device=DEVICE, at=AT, seal_public=to_text(raw_public(SEAL.public_key())), csr=CSR, agent="0.1.0"
)
SENT = write_request(TOKEN, REQUEST, DEVICE_KEY)
GRANTED = Granted(settings="[[windows]]\nsource = 'rtsp://user:password@camera'\n", certificate="PEM", authority="PEM")
ANSWER = write_answer(REQUEST, GRANTED, CENTRE, device_kid=DEVICE_KEY.kid, at=AT)
TEXT = TOKEN.text()


def test_a_token_is_one_line_and_is_read_back_from_a_letter_too() -> None:
    assert "\n" not in TEXT and " " not in TEXT
    broken = "\r\n  ".join(TEXT[at : at + 40] for at in range(0, len(TEXT), 40))
    assert Token.read(TEXT) == Token.read(f"  {broken}\n") == TOKEN


@given(st.integers(0, len(TEXT) - 1), st.sampled_from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_?漢"))
def test_one_wrong_sign_is_known_and_the_token_is_not_repeated(place: int, sign: str) -> None:
    wrong = TEXT[:place] + sign + TEXT[place + 1 :]
    if wrong == TEXT:
        return
    try:
        assert Token.read(wrong) == TOKEN  # the last sign of base64 has bits that say nothing
    except BadToken as error:
        assert wrong[8:40] not in str(error)


@given(st.integers(0, len(TEXT) - 1))
def test_a_token_that_was_cut_is_known(end: int) -> None:
    with pytest.raises(BadToken):
        Token.read(TEXT[:end])


@given(st.text(max_size=60))
def test_rubbish_is_no_token(text: str) -> None:
    for each in (text, f"enrol1-{text}"):
        with pytest.raises(BadToken):
            Token.read(each)


@pytest.mark.parametrize("address", ["ftp://a", "http://user:pw@a", "http://a/?x=1", "http://", "http://a b", "javascript:alert(1)"])
def test_an_address_is_plain(address: str) -> None:
    with pytest.raises(ValueError, match="addresses"):
        Token(**TOKEN.model_dump() | {"addresses": (address,)})


def test_both_messages_arrive() -> None:
    assert open_request(read_envelope(SENT), TOKEN.secret) == REQUEST
    answer, granted = open_answer(ANSWER, TOKEN, DEVICE_KEY.kid, SEAL)
    assert granted == GRANTED and answer.at == AT


def test_what_travels_shows_neither_secret_nor_password() -> None:
    assert TOKEN.secret.encode() not in SENT
    assert b"password" not in ANSWER and b"rtsp" not in ANSWER


@given(st.integers(0, len(SENT) - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_request_is_refused(place: int, difference: int) -> None:
    changed = bytearray(SENT)
    changed[place] ^= difference
    with pytest.raises((Untrusted, MalformedMessage)):
        assert open_request(read_envelope(bytes(changed)), TOKEN.secret) != REQUEST


@given(st.integers(0, len(ANSWER) - 1), st.integers(1, 255))
def test_any_changed_byte_of_an_answer_is_refused(place: int, difference: int) -> None:
    changed = bytearray(ANSWER)
    changed[place] ^= difference
    with pytest.raises((Untrusted, MalformedMessage)):
        open_answer(bytes(changed), TOKEN, DEVICE_KEY.kid, SEAL)


def test_a_request_needs_the_secret_and_its_own_key() -> None:
    stranger = Signer(Ed25519PrivateKey.generate())
    with pytest.raises(Untrusted, match="secret"):
        open_request(read_envelope(SENT), to_text(bytes(32)))
    envelope = read_envelope(SENT)
    swapped = envelope.model_copy(update={"sign_public": to_text(stranger.public)})
    with pytest.raises(Untrusted, match="not trusted"):
        open_request(swapped, TOKEN.secret)
    other = write_request(TOKEN, REQUEST.model_copy(update={"token_id": to_text(bytes(16))}), DEVICE_KEY)
    with pytest.raises(Untrusted, match="another token"):
        open_request(read_envelope(other), TOKEN.secret)


def test_an_answer_counts_for_its_centre_its_token_and_its_keys_only() -> None:
    other_centre = write_answer(REQUEST, GRANTED, Signer(Ed25519PrivateKey.generate()), device_kid=DEVICE_KEY.kid, at=AT)
    other_keys = write_answer(REQUEST, GRANTED, CENTRE, device_kid=CENTRE.kid, at=AT)
    other_token = write_answer(
        REQUEST.model_copy(update={"token_id": to_text(bytes(16))}), GRANTED, CENTRE, device_kid=DEVICE_KEY.kid, at=AT
    )
    for data, says in ((other_centre, "another centre"), (other_keys, "other keys"), (other_token, "another token")):
        with pytest.raises(Untrusted, match=says):
            open_answer(data, TOKEN, DEVICE_KEY.kid, SEAL)
    with pytest.raises(Untrusted, match="seal"):
        open_answer(ANSWER, TOKEN, DEVICE_KEY.kid, X25519PrivateKey.generate())


@given(st.binary(max_size=300))
def test_rubbish_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_envelope(data)
    with pytest.raises(MalformedMessage):
        open_answer(data, TOKEN, DEVICE_KEY.kid, SEAL)


def test_too_much_is_not_read() -> None:
    with pytest.raises(MalformedMessage, match=str(MAX_REQUEST)):
        read_envelope(b" " * (MAX_REQUEST + 1))
    with pytest.raises(MalformedMessage, match=str(MAX_ANSWER)):
        open_answer(b" " * (MAX_ANSWER + 1), TOKEN, DEVICE_KEY.kid, SEAL)
