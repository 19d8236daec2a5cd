"""Whether new keys that a device offers are its own to offer. Pure: reads bytes, decides, and keeps nothing."""

from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from central.devices.model import BadOffer
from contract.events import KeyOffer
from contract.possession import is_proved
from contract.sealed import TrustedKey, from_text
from contract.weak_keys import WeakKey, require_strong

CURVE = "secp256r1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """New public keys of a device, proved to be in its hands as far as they can sign."""

    kid: str
    sign_public: bytes
    seal_public: bytes
    tls_public: ec.EllipticCurvePublicKey


def read_offer(offer: KeyOffer) -> Offered:
    """The keys of a verified event. Raises BadOffer for a proof or request that does not hold, or keys of another kind."""
    try:
        sign_public, seal_public, request = (from_text(text) for text in (offer.sign_public, offer.seal_public, offer.csr))
        key = TrustedKey(sign_public)
        proved = is_proved(from_text(offer.proof), offer.device, sign_public=sign_public, seal_public=seal_public, csr=request)
        csr = x509.load_der_x509_csr(request)
        fits, tls = csr.is_signature_valid, csr.public_key()
    except Exception as error:  # noqa: BLE001 - hostile DER fails in many ways
        raise BadOffer(f"the keys or the certificate request cannot be read: {type(error).__name__}") from None
    if not proved:
        raise BadOffer("the proof is not signed by the new key for this device")
    if not fits:
        raise BadOffer("the certificate request is not signed by its own key")
    if not isinstance(tls, ec.EllipticCurvePublicKey) or tls.curve.name != CURVE:
        raise BadOffer("the certificate request is for another kind of key than P-256")
    try:
        require_strong(sign_public=sign_public, seal_public=seal_public, tls_public=tls)
    except WeakKey as error:
        raise BadOffer(str(error)) from None
    return Offered(kid=key.kid, sign_public=sign_public, seal_public=seal_public, tls_public=tls)


def tls_name(public: bytes) -> str:
    """The SHA-256 by which a TLS key (SubjectPublicKeyInfo, DER) is known again, whatever certificate it stands in."""
    return sha256(public).hexdigest()


def spki(public: object) -> bytes:
    """The DER of any public key."""
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return]


def tls_of(certificate: str) -> bytes:
    """The public key (SubjectPublicKeyInfo, DER) in a certificate (PEM). Raises ValueError."""
    return spki(x509.load_pem_x509_certificate(certificate.encode()).public_key())
