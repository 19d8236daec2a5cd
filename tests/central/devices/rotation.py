"""A device that changes its keys as real ones do: it makes them, offers them in its chain, and signs with them once it is admitted."""

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from contract.events import GENESIS, KeyInUse, KeyOffer
from contract.possession import prove
from contract.sealed import Signer, raw_public, to_text
from tests import builders


class NewKeys:
    """Private halves of one set, and what is said of them."""

    def __init__(self, device: str = builders.DEVICE, curve: ec.EllipticCurve | None = None) -> None:
        self.device = device
        self.sign, self.seal = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
        self.tls = ec.generate_private_key(curve or ec.SECP256R1())
        self.signer = Signer(self.sign)

    @property
    def csr(self) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.device)])
        return x509.CertificateSigningRequestBuilder().subject_name(name).sign(self.tls, hashes.SHA256()).public_bytes(Encoding.DER)

    def offer(self, **changes: Any) -> KeyOffer:
        """An event that offers them; for `builders`-like use in a chain."""
        csr, seal = self.csr, raw_public(self.seal.public_key())
        fields: dict[str, Any] = {
            "device": self.device,
            "epoch": builders.EPOCH,
            "seq": 1,
            "prev": GENESIS,
            "at": builders.AT,
            "mono_ns": 1,
            "clock_offset_ms": None,
            "request": None,
            "sign_public": to_text(self.signer.public),
            "seal_public": to_text(seal),
            "csr": to_text(csr),
            "proof": to_text(prove(self.sign, self.device, seal_public=seal, csr=csr)),
        }
        return KeyOffer(**(fields | changes))


def in_use(**changes: Any) -> KeyInUse:
    """The first event under a new key."""
    fields: dict[str, Any] = {
        "device": builders.DEVICE,
        "epoch": builders.EPOCH,
        "seq": 1,
        "prev": GENESIS,
        "at": builders.AT,
        "mono_ns": 1,
        "clock_offset_ms": None,
        "kid": "k" * 43,
        "before": "b" * 43,
    }
    return KeyInUse(**(fields | changes))
