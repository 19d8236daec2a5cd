"""How a terminal comes to be trusted: a one-time token from the centre, one request of the terminal, one answer of the centre.

The two messages are the same whether HTTP or a stick carries them, and they need no secrecy of the line. The token holds a secret that
both sides know, and the thumbprint of the centre's key. The request is authenticated by that secret and signed with the key that the
terminal just made; the answer is signed by the centre, and what it holds (camera addresses with their passwords) is sealed to the terminal.
No private key ever leaves the machine that made it.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from typing import Annotated, ClassVar, Literal, Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import Field, StringConstraints, ValidationError

from contract.ids import DeviceId, FixmedinsCode, Moment, ShortText
from contract.message import MalformedMessage, Message, Record, first_fault
from contract.sealed import Signer, TrustedKey, Untrusted, from_text, seal, to_text, unseal, verify

MAX_REQUEST = 16 * 1024
"""Bytes of a request with its envelope: three public keys and a name."""
MAX_ANSWER = 256 * 1024
_PREFIX = "enrol1-"
_CHECK_BYTES = 4
_REQUEST, _ANSWER = "enrolment", "enrolment-answer"

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""32 bytes as base64url: a raw public key, a thumbprint, a secret or a tag."""
TokenId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
"""16 random bytes as base64url."""
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@\x00-\x1f\x7f]+(/[^\s?#\x00-\x1f\x7f]*)?$", max_length=200)]
"""Where the centre answers, without user or query."""
Pem = Annotated[str, StringConstraints(min_length=1, max_length=8000, pattern=r"^[\x20-\x7e\n\r]+$")]


class BadToken(ValueError):
    """The text is no token, or was mistyped. The message says how to go on and never repeats the text."""


class Token(Record):
    """What the centre prints once. `addresses` may be empty, for a terminal that no network reaches."""

    token_id: TokenId
    secret: Key
    centre_kid: Key
    device: DeviceId
    fixmedins_code: FixmedinsCode
    addresses: tuple[Address, ...] = Field(default=(), max_length=4)
    issued_at: Moment
    valid_until: Moment

    def text(self) -> str:
        """One line that can be pasted; its end checks the rest."""
        plain = self.model_dump_json().encode()
        return _PREFIX + urlsafe_b64encode(plain + _check(plain)).rstrip(b"=").decode()

    @classmethod
    def read(cls, text: str) -> Self:
        """Undo `text`; line breaks and spaces that a letter put in do not matter. Raises BadToken."""
        joined = "".join(text.split())
        if not joined.startswith(_PREFIX):
            raise BadToken(f"this is no enrolment token: one begins with {_PREFIX!r}; copy it whole, as the centre printed it")
        body = joined.removeprefix(_PREFIX)
        try:
            plain = urlsafe_b64decode(body + "=" * (-len(body) % 4))
        except (Base64Error, ValueError):
            plain = b""
        content, check = plain[:-_CHECK_BYTES], plain[-_CHECK_BYTES:]
        if len(plain) <= _CHECK_BYTES or not hmac.compare_digest(_check(content), check):
            raise BadToken("the token is mistyped or cut off: its check does not fit; copy it again, as the centre printed it")
        try:
            return cls.model_validate_json(content)
        except ValidationError:
            raise BadToken("the token is of another version of this program: bring both sides to the same one") from None


class EnrolmentRequest(Message):
    """What a terminal says of itself. Its signing key is the one that signed this."""

    typ: ClassVar[str] = _REQUEST
    kind: Literal["enrolment_request"] = "enrolment_request"
    version: Literal[1] = 1
    token_id: TokenId
    device: DeviceId
    at: Moment
    """The terminal's own clock when it made the request."""
    seal_public: Key
    csr: Pem
    """PKCS 10, which proves that the terminal holds the TLS key; its subject does not count."""
    agent: ShortText


class EnrolmentAnswer(Message):
    """What the centre grants to the keys of one request. `at` is the centre's clock when it first granted it."""

    typ: ClassVar[str] = _ANSWER
    kind: Literal["enrolment_answer"] = "enrolment_answer"
    version: Literal[1] = 1
    token_id: TokenId
    device: DeviceId
    device_kid: Key
    at: Moment
    sealed: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=MAX_ANSWER)]


class Granted(Record):
    """What the seal of an answer holds: settings without the places of files (TOML), and the certificate with its authority."""

    settings: Annotated[str, StringConstraints(min_length=1, max_length=60_000)]
    certificate: Pem
    authority: Pem


class RequestEnvelope(Record):
    """A request as it travels. The tag over `signed` shows that the sender knows the token."""

    token_id: TokenId
    sign_public: Key
    tag: Key
    signed: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=MAX_REQUEST)]


class AnswerEnvelope(Record):
    """An answer as it travels; the token holds the thumbprint of `sign_public`."""

    sign_public: Key
    signed: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=MAX_ANSWER)]


def write_request(token: Token, request: EnrolmentRequest, signer: Signer) -> bytes:
    """Sign, tag and wrap a request."""
    signed = signer.sign(request)
    envelope = RequestEnvelope(
        token_id=token.token_id, sign_public=to_text(signer.public), tag=_tag(token.secret, signed), signed=signed.decode()
    )
    return envelope.model_dump_json().encode()


def read_envelope(data: bytes) -> RequestEnvelope:
    """The outside of a request; nothing of it is proven yet. Raises MalformedMessage."""
    if len(data) > MAX_REQUEST:
        raise MalformedMessage(f"an enrolment request has {MAX_REQUEST} bytes at most, this has {len(data)}")
    try:
        return RequestEnvelope.model_validate_json(data)
    except ValidationError as error:
        raise MalformedMessage(first_fault("enrolment request", error)) from None


def open_request(envelope: RequestEnvelope, secret: str) -> EnrolmentRequest:
    """Check tag and signature, then parse. Raises Untrusted, or MalformedMessage for what is validly signed and no request."""
    if not hmac.compare_digest(_tag(secret, envelope.signed.encode()), envelope.tag):
        raise Untrusted("the request does not know the token's secret")
    key = _key(envelope.sign_public)
    request = EnrolmentRequest.from_bytes(verify(envelope.signed.encode(), {key.kid: key}.get, _REQUEST).payload)
    if request.token_id != envelope.token_id:
        raise Untrusted("the request was made for another token")
    return request


def grant_purpose(device: str, token_id: str) -> str:
    """The purpose under which an answer is sealed to a terminal."""
    return f"enrolment-grant/1 {device} {token_id}"


def write_answer(request: EnrolmentRequest, granted: Granted, signer: Signer, *, device_kid: str, at: Moment) -> bytes:
    """Seal what is granted to the terminal's key, sign and wrap it."""
    sealed = seal(granted.model_dump_json().encode(), from_text(request.seal_public), grant_purpose(request.device, request.token_id))
    names = {"token_id": request.token_id, "device": request.device, "device_kid": device_kid, "at": at}
    signed = signer.sign(EnrolmentAnswer(sealed=to_text(sealed), **names))
    return AnswerEnvelope(sign_public=to_text(signer.public), signed=signed.decode()).model_dump_json().encode()


def open_answer(data: bytes, token: Token, device_kid: str, seal_key: X25519PrivateKey) -> tuple[EnrolmentAnswer, Granted]:
    """Check that the centre of this token gave this answer to these keys, and open it.

    Raises Untrusted for another centre, token or key, MalformedMessage for bytes that are no answer.
    """
    if len(data) > MAX_ANSWER:
        raise MalformedMessage(f"an enrolment answer has {MAX_ANSWER} bytes at most")
    try:
        envelope = AnswerEnvelope.model_validate_json(data)
    except ValidationError as error:
        raise MalformedMessage(first_fault("enrolment answer", error)) from None
    key = _key(envelope.sign_public)
    if key.kid != token.centre_kid:
        raise Untrusted("another centre answered: it signs with a key that this token does not name")
    answer = EnrolmentAnswer.from_bytes(verify(envelope.signed.encode(), {key.kid: key}.get, _ANSWER).payload)
    if (answer.token_id, answer.device) != (token.token_id, token.device):
        raise Untrusted("this answer was given to another token")
    if answer.device_kid != device_kid:
        raise Untrusted("this answer was given to other keys than those that lie here")
    plain = unseal(from_text(answer.sealed), seal_key, grant_purpose(answer.device, answer.token_id))
    try:
        return answer, Granted.model_validate_json(plain)
    except ValidationError as error:
        raise MalformedMessage(first_fault("enrolment grant", error)) from None


def _key(public: str) -> TrustedKey:
    try:
        return TrustedKey(from_text(public))
    except ValueError:
        raise Untrusted("the envelope names no signing key") from None


def _tag(secret: str, signed: bytes) -> str:
    """HMAC-SHA256 over the whole signed request, by which the sender shows that the token lies before it."""
    return to_text(hmac.digest(from_text(secret), b"enrolment-request/1\n" + signed, "sha256"))


def _check(plain: bytes) -> bytes:
    return sha256(b"enrolment-token/1\n" + plain).digest()[:_CHECK_BYTES]
