"""A terminal's half of enrolment in memory: keys, request, and what comes of the answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from central.enrolment import granting, service
from central.enrolment.model import PlannedCamera, PlannedTerminal
from central.wiring import Centre
from contract.enrolment import EnrolmentRequest, Granted, Token, open_answer, read_envelope, write_request
from contract.events import CameraRole
from contract.sealed import Signer, raw_public, to_text
from tests.builders import AT, DEVICE, SITE

PASSWORD = "camera-password-7"
PLANNED = PlannedTerminal(
    device_id=DEVICE,
    fixmedins_code=SITE,
    cameras=(
        PlannedCamera(window="W1", source=f"rtsp://user:{PASSWORD}@10.0.0.9/stream", camera_model="HIK DS-2CD"),
        PlannedCamera(window="E1", source="0", role=CameraRole.ENTRANCE),
    ),
    broker_host="10.0.0.1",
    broker_port=8883,
)
ADDRESSES = ("http://10.0.0.1:8080",)


def planned(centre: Centre, terminal: PlannedTerminal = PLANNED, *, now: datetime = AT, renew: bool = False) -> Token:
    """Plan a terminal and issue its token."""
    with centre.engine.begin() as db:
        service.plan(db, centre.keys, terminal, now=now, actor="test")
        return service.issue(db, centre.keys, terminal.device_id, addresses=ADDRESSES, now=now, actor="test", renew=renew)


@dataclass
class Newcomer:
    """A terminal that has a token and keys of its own."""

    token: Token
    signer: Signer = field(default_factory=lambda: Signer(Ed25519PrivateKey.generate()))
    seal_key: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    tls_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def request(self, **changes: object) -> bytes:
        """The bytes that travel."""
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        content: dict[str, object] = {
            "token_id": self.token.token_id,
            "device": self.token.device,
            "at": AT,
            "seal_public": to_text(raw_public(self.seal_key.public_key())),
            "csr": builder.sign(self.tls_key, hashes.SHA256()).public_bytes(Encoding.PEM).decode(),
            "agent": "0.1.0",
        }
        return write_request(self.token, EnrolmentRequest.model_validate(content | changes), self.signer)

    def ask(self, centre: Centre, *, now: datetime = AT, carried: bool = False, **changes: object) -> bytes:
        """What the centre answers. Raises EnrolmentRefused."""
        with centre.engine.begin() as db:
            return granting.answer(db, centre.keys, read_envelope(self.request(**changes)), now=now, actor="test", carried=carried)

    def granted(self, answer: bytes) -> Granted:
        """What an answer holds."""
        return open_answer(answer, self.token, self.signer.kid, self.seal_key)[1]


def later(days: float) -> datetime:
    """So many days after the time of the tests."""
    return AT + timedelta(days=days)


Wrong = Callable[[Newcomer], Newcomer]
