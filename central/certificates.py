"""X.509 for mutual TLS: one small authority, a server certificate for the broker, client certificates for devices and the centre.

A client certificate carries its name twice: as common name (Mosquitto's user name) and as e-mail in the subject alternative name
(what a NATS server maps to a user), so that one certificate works at every broker. A device's e-mail names its key besides: a NATS server
knows no revocation list, so whoever holds a key that was replaced must have another name there than who holds the new one.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DEVICE_MAIL_DOMAIN = "device.invalid"
CENTRE_NAME = "central"
AUTHORITY_YEARS = 20
CLIENT_DAYS = 730
SERVER_DAYS = 730
_CLOCK_SLACK = timedelta(hours=25)
"""Certificates start a day early, so that a terminal whose clock is a day off can still connect and be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


def client_mail(name: str) -> str:
    """The e-mail form of a client's name."""
    return f"{name}@{DEVICE_MAIL_DOMAIN}"


@lru_cache(maxsize=100_000)
def mail_in(certificate: str) -> str | None:
    """The e-mail form under which a NATS server knows this certificate (PEM); None where it has none."""
    try:
        names = x509.load_pem_x509_certificate(certificate.encode()).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return None
    return next(iter(names.value.get_values_for_type(x509.RFC822Name)), None)


@lru_cache(maxsize=100_000)
def serial_of(certificate: str) -> int:
    """The serial number of a certificate (PEM). Raises ValueError."""
    return x509.load_pem_x509_certificate(certificate.encode()).serial_number


@lru_cache(maxsize=100_000)
def ends_at(certificate: str) -> datetime:
    """When a certificate (PEM) ends, UTC. Raises ValueError."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def revocation_list(authority: Pair, cut_off: Mapping[int, datetime], *, after: datetime | None, now: datetime) -> bytes:
    """A list (PEM) of serial numbers that are not admitted any more, signed by the authority, later than one made `after`.

    It holds as long as the authority: a list that ended would lock every terminal out. It begins a day early, as certificates do.
    """
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    begins = (now - _CLOCK_SLACK).replace(microsecond=0)
    if after is not None and begins <= after:
        begins = after + timedelta(seconds=1)
    builder = (
        x509.CertificateRevocationListBuilder().issuer_name(issuer.subject).last_update(begins).next_update(issuer.not_valid_after_utc)
    )
    for serial, at in sorted(cut_off.items()):
        builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build())
    return builder.sign(_signing_key(authority), hashes.SHA256()).public_bytes(Encoding.PEM)


def read_revocation_list(pem: bytes) -> tuple[frozenset[int], datetime]:
    """The serial numbers of a list and from when on it holds. Raises ValueError."""
    crl = x509.load_pem_x509_crl(pem)
    return frozenset(each.serial_number for each in crl), crl.last_update_utc


def make_authority(*, now: datetime) -> Pair:
    """A self-signed certificate authority that can sign end entities only."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Window watch authority")])
    builder = _builder(name, name, key.public_key(), now, timedelta(days=365 * AUTHORITY_YEARS))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return Pair(certificate=builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), key=key_pem(key))


def issue_server(authority: Pair, public: ec.EllipticCurvePublicKey, *, hosts: tuple[str, ...], now: datetime) -> bytes:
    """A server certificate (PEM) valid for these names and addresses."""
    names = x509.SubjectAlternativeName([_host(host) for host in hosts])
    return _issue(authority, public, _Entity("broker", names, ExtendedKeyUsageOID.SERVER_AUTH, SERVER_DAYS), now)


def issue_client(authority: Pair, public: ec.EllipticCurvePublicKey, *, name: str, now: datetime) -> bytes:
    """A client certificate (PEM) for a key that a device or the centre made and keeps."""
    mail = client_mail(name if name == CENTRE_NAME else f"{name}.{_mark(public)}")
    names = x509.SubjectAlternativeName([x509.RFC822Name(mail)])
    return _issue(authority, public, _Entity(name, names, ExtendedKeyUsageOID.CLIENT_AUTH, CLIENT_DAYS), now)


def reissue(authority: Pair, certificate: bytes, *, now: datetime, days: int | None = None) -> bytes | None:
    """A certificate (PEM) as this one for the same key and names that begins now and holds as long, or so many `days`; None for one that
    this authority did not issue.
    """
    old, issuer = x509.load_pem_x509_certificate(certificate), x509.load_pem_x509_certificate(authority.certificate)
    try:
        old.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return None
    public, (name,) = old.public_key(), old.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    names = old.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (use,) = old.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    days = days or (SERVER_DAYS if use == ExtendedKeyUsageOID.SERVER_AUTH else CLIENT_DAYS)
    return _issue(authority, public, _Entity(str(name.value), names, use, days), now)  # type: ignore[arg-type] # it is a key that we certified


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for TLS (P-256: understood by every broker)."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The private key as unencrypted PKCS 8, for a file that only its owner reads."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _mark(public: ec.EllipticCurvePublicKey) -> str:
    return sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()[:16]


def _signing_key(authority: Pair) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(authority.key, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"the authority's key is a {type(key).__name__}, expected an elliptic-curve key")
    return key


class _Entity(NamedTuple):
    common_name: str
    names: x509.SubjectAlternativeName
    use: x509.ObjectIdentifier
    days: int


def _issue(authority: Pair, public: ec.EllipticCurvePublicKey, entity: _Entity, now: datetime) -> bytes:
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = _signing_key(authority)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, entity.common_name)])
    builder = _builder(subject, issuer.subject, public, now, timedelta(days=entity.days))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([entity.use]), critical=False)
    builder = builder.add_extension(entity.names, critical=False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - _CLOCK_SLACK).not_valid_after(now + life)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
