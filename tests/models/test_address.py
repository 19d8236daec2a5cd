"""Files from a public address, here a real https server on this machine with a certificate of its own."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from models import address, files
from models.errors import FetchFailed, WrongHash
from models.fetch import fetch
from models.manifest import Archive, Item, Manifest

CONTENT = b"some weights"
MEMBER = "folder/some.bin"


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        match self.path:
            case "/public/folder/some.bin":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(CONTENT)
            case "/moved/folder/some.bin":
                self.send_response(302)
                self.send_header("Location", "/public/folder/some.bin")
                self.end_headers()
            case "/plain/folder/some.bin":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:9/public/folder/some.bin")
                self.end_headers()
            case "/cut/folder/some.bin":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(CONTENT)
            case _:
                self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server's address, trusted by this process."""
    certificate = _certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


def archive(place: str) -> Archive:
    return Archive(kind="address", package="thing", version="1", address=place)


def manifest(place: str, content: bytes = CONTENT) -> Manifest:
    item = Item(
        name="some",
        role="liveness_near",
        file="some.bin",
        sha256=files.sha256(content),
        licence="MIT",
        input="test",
        archive=archive(place),
        member=MEMBER,
    )
    return Manifest(packs={"extra": (item,)}, optional=frozenset({"extra"}))


@pytest.mark.parametrize("folder", ["public", "moved"])
def test_a_file_is_taken(server: str, tmp_path: Path, folder: str) -> None:
    path = address.download(archive(f"{server}/{folder}"), MEMBER, tmp_path)
    assert path == tmp_path / "some.bin"
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("nowhere", "refused .404 Not Found.; put some.bin into a folder"),
        ("plain", "cannot be reached|refused"),
        ("cut", "broke off with 988 bytes to come"),
    ],
)
def test_what_is_not_there_says_the_way_out(server: str, tmp_path: Path, folder: str, message: str) -> None:
    with pytest.raises(FetchFailed, match=message) as failed:
        address.download(archive(f"{server}/{folder}"), MEMBER, tmp_path)
    assert "--mirror" in str(failed.value)
    assert not (tmp_path / "some.bin").exists()


def test_a_server_with_an_unknown_certificate_is_not_trusted(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
        address.download(archive(f"{server}/public"), MEMBER, tmp_path)


def test_too_large_a_file_is_refused(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "MAX_FILE_BYTES", 5)
    with pytest.raises(FetchFailed, match="larger than 5 bytes"):
        address.download(archive(f"{server}/public"), MEMBER, tmp_path)


def test_fetching_keeps_what_is_right(server: str, tmp_path: Path) -> None:
    (path,) = fetch("extra", tmp_path / "models", manifest=manifest(f"{server}/public"))
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("pack", ["extra", "all"])
def test_something_else_at_the_address_is_never_kept(server: str, tmp_path: Path, pack: str) -> None:
    with pytest.raises(WrongHash):
        fetch(pack, tmp_path / "models", manifest=manifest(f"{server}/public", b"other weights"))
    assert not (tmp_path / "models" / "some.bin").exists()


def test_an_optional_pack_that_nobody_gives_fails_alone_and_is_named_among_all(server: str, tmp_path: Path) -> None:
    known = manifest(f"{server}/nowhere")
    with pytest.raises(FetchFailed):
        fetch("extra", tmp_path, manifest=known)
    lines: list[str] = []
    assert fetch("all", tmp_path, progress=lines.append, manifest=known) == ()
    assert any(line.startswith("some.bin: not fetched, so this will not be evaluated") for line in lines)


def test_a_pack_that_is_needed_fails_among_all(server: str, tmp_path: Path) -> None:
    with pytest.raises(FetchFailed):
        fetch("all", tmp_path, manifest=Manifest(packs=manifest(f"{server}/nowhere").packs))


def test_a_mirror_takes_the_place_of_the_address(tmp_path: Path) -> None:
    (tmp_path / "some.bin").write_bytes(CONTENT)
    assert fetch("extra", tmp_path / "models", tmp_path, manifest=manifest("https://nowhere.invalid"))
