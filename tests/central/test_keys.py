"""The centre's keys: made once, never overwritten, and named when they are wrong."""

from pathlib import Path

import pytest

from central.errors import Misconfigured
from central.keys import make_keys, read_keys
from tests import builders


def test_keys_are_made_once(tmp_path: Path) -> None:
    first = make_keys(tmp_path, broker_hosts=("localhost",), now=builders.AT)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    second = make_keys(tmp_path, broker_hosts=("localhost",), now=builders.AT)
    assert (first.signer.kid, first.seal_public) == (second.signer.kid, second.seal_public)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


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
