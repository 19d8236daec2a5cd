"""The centre's keys: made once, never overwritten, and named when they are wrong."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from central.certificates import issue_server, make_authority, new_key
from central.errors import Misconfigured
from central.keys import make_keys, read_keys, renew_certificates
from tests import builders


def test_keys_are_made_once(tmp_path: Path) -> None:
    first = make_keys(tmp_path, broker_hosts=("localhost",), now=builders.AT)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    second = make_keys(tmp_path, broker_hosts=("localhost",), now=builders.AT)
    assert (first.signer.kid, first.seal_public) == (second.signer.kid, second.seal_public)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


@pytest.mark.parametrize("name", ["broker", "central"])
def test_certificates_that_end_soon_are_issued_anew_for_the_same_keys_and_names(tmp_path: Path, name: str) -> None:
    """After two years every terminal would be locked out at once."""
    hosts = ("localhost", "127.0.0.1", "broker.example")
    make_keys(tmp_path, broker_hosts=hosts, now=builders.AT)
    old, key = (tmp_path / f"{name}.crt").read_bytes(), (tmp_path / f"{name}.key").read_bytes()
    assert renew_certificates(tmp_path, now=builders.AT + timedelta(days=630)) == ()
    later = builders.AT + timedelta(days=650)
    make_keys(tmp_path, broker_hosts=("other",), now=later)
    before, after = (x509.load_pem_x509_certificate(pem) for pem in (old, (tmp_path / f"{name}.crt").read_bytes()))
    assert after.not_valid_after_utc - later > timedelta(days=700) and (tmp_path / f"{name}.key").read_bytes() == key
    assert (after.public_key(), after.subject) == (before.public_key(), before.subject)
    kinds = (x509.SubjectAlternativeName, x509.ExtendedKeyUsage, x509.KeyUsage)
    assert all(after.extensions.get_extension_for_class(kind) == before.extensions.get_extension_for_class(kind) for kind in kinds)
    after.verify_directly_issued_by(x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes()))


def test_a_certificate_of_another_authority_is_left_to_that_one(tmp_path: Path) -> None:
    make_keys(tmp_path, broker_hosts=("localhost",), now=builders.AT)
    theirs = issue_server(make_authority(now=builders.AT), new_key().public_key(), hosts=("localhost",), now=builders.AT)
    (tmp_path / "broker.crt").write_bytes(theirs)
    assert renew_certificates(tmp_path, now=builders.AT + timedelta(days=700)) == ("central",)
    (tmp_path / "ca.key").unlink()
    assert renew_certificates(tmp_path, now=builders.AT + timedelta(days=1700)) == ()


def test_a_missing_or_exchanged_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="central migrate"):
        read_keys(tmp_path)
    make_keys(tmp_path, broker_hosts=("localhost",), now=builders.AT)
    (tmp_path / "sign.pem").write_bytes((tmp_path / "seal.pem").read_bytes())
    with pytest.raises(Misconfigured, match=r"sign\.pem holds no Ed25519 key"):
        read_keys(tmp_path)
    (tmp_path / "sign.pem").write_bytes(b"rubbish")
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_keys(tmp_path)
