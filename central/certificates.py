"""X.509 for mutual TLS: one small authority, a server certificate for the broker, client certificates for devices and the centre.

A client certificate carries its name twice: as common name (Mosquitto's user name) and as e-mail in the subject alternative name
(what a NATS server maps to a user), so that one certificate works at every broker.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
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
    names = x509.SubjectAlternativeName([x509.RFC822Name(client_mail(name))])
    return _issue(authority, public, _Entity(name, names, ExtendedKeyUsageOID.CLIENT_AUTH, CLIENT_DAYS), now)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for TLS (P-256: understood by every broker)."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The private key as unencrypted PKCS 8, for a file that only its owner reads."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class _Entity(NamedTuple):
    common_name: str
    names: x509.SubjectAlternativeName
    use: x509.ObjectIdentifier
    days: int


def _issue(authority: Pair, public: ec.EllipticCurvePublicKey, entity: _Entity, now: datetime) -> bytes:
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = load_pem_private_key(authority.key, password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"the authority's key is a {type(issuer_key).__name__}, expected an elliptic-curve key")
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
