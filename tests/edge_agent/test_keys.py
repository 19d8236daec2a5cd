"""Keys and secrets are read only when nobody else can."""

from pathlib import Path

import pytest

from contract.sealed import raw_public, to_text
from edge_agent.errors import BadKey
from edge_agent.keys import load_seal_key, load_signer, load_token, trusted
from tests.edge_agent.building import make_terminal

GOOD_TOKEN = "9f86d081884c7d659a2feaa0c55ad015"


def test_enrolled_keys_are_read(tmp_path: Path) -> None:
    terminal = make_terminal(tmp_path)
    assert load_signer(tmp_path / "sign.pem").kid == terminal.signer.kid
    assert raw_public(load_seal_key(tmp_path / "seal.pem").public_key()) == raw_public(terminal.seal_key.public_key())
    assert load_token(tmp_path / "till.token") == terminal.token


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_keys_that_others_may_touch_are_refused(tmp_path: Path, mode: int) -> None:
    make_terminal(tmp_path)
    (tmp_path / "sign.pem").chmod(mode)
    with pytest.raises(BadKey, match="chmod 600"):
        load_signer(tmp_path / "sign.pem")


def test_a_key_for_another_use_is_refused(tmp_path: Path) -> None:
    make_terminal(tmp_path)
    with pytest.raises(BadKey, match="Ed25519"):
        load_signer(tmp_path / "seal.pem")
    with pytest.raises(BadKey, match="X25519"):
        load_seal_key(tmp_path / "sign.pem")


def test_files_that_are_no_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sign.pem"
    with pytest.raises(BadKey, match="cannot be read"):
        load_signer(path)
    path.write_bytes(b"\xff\x00")
    path.chmod(0o600)
    with pytest.raises(BadKey, match="PEM"):
        load_signer(path)
    with pytest.raises(BadKey, match="at least 32"):
        load_token(path)


@pytest.mark.parametrize("token", ["x" * 64, "abab" * 10, "changeme-" * 4, "this-is-an-example-token-for-you", "0123456789abcdef" * 2])
def test_a_sample_is_no_token(tmp_path: Path, token: str) -> None:
    (tmp_path / "token").write_text(token)
    (tmp_path / "token").chmod(0o600)
    with pytest.raises(BadKey, match="sample or a pattern"):
        load_token(tmp_path / "token")


def test_the_centres_keys_go_by_their_thumbprint(tmp_path: Path) -> None:
    terminal = make_terminal(tmp_path)
    assert trusted((to_text(terminal.centre_signer.public),)).keys() == {terminal.centre_signer.kid}
    with pytest.raises(BadKey, match="sign_keys"):
        trusted(("AAAA",))


def test_a_credential_of_the_service_manager_may_show_a_group_that_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(GOOD_TOKEN)
    (tmp_path / "token").chmod(0o440)
    with pytest.raises(BadKey, match="chmod 600"):
        load_token(tmp_path / "token")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_token(tmp_path / "token") == GOOD_TOKEN
    (tmp_path / "token").chmod(0o444)
    with pytest.raises(BadKey, match="chmod 600"):
        load_token(tmp_path / "token")
