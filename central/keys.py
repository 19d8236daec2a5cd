"""The centre's own keys: made once, kept in one folder that only the service can read, never in the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from central.certificates import CENTRE_NAME, Pair, ends_at, issue_client, issue_server, key_pem, make_authority, new_key, reissue
from central.errors import Misconfigured
from central.files import write_whole
from contract.checkpoints import LOG, VerifierKey
from contract.sealed import Signer, raw_public

RENEW_BEFORE = timedelta(days=90)
"""So long before their end the certificates of the broker and of the centre are issued anew: an ended one locks every terminal out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreKeys:
    """What the centre signs with and what opens the seals made for it. `folder` also holds the TLS files."""

    folder: Path
    signer: Signer
    seal_private: X25519PrivateKey
    log_private: Ed25519PrivateKey

    @property
    def log_public(self) -> bytes:
        """What the checkpoints of the transparency log are verified with, raw."""
        return raw_public(self.log_private.public_key())

    @property
    def log_origin(self) -> str:
        """The log's name. It follows from the key, so that no two logs share one and none is renamed."""
        return f"window-watch.log/{sha256(self.log_public).hexdigest()[:16]}"

    @property
    def log_vkey(self) -> str:
        """Name and public key of the log as one text (C2SP verifier key), for witnesses, devices and auditors."""
        return str(VerifierKey(name=self.log_origin, kind=LOG, public=self.log_public))

    @property
    def seal_public(self) -> bytes:
        """What devices seal to, raw."""
        return raw_public(self.seal_private.public_key())

    def tls(self, name: str) -> tuple[Path, Path]:
        """Certificate and key file of `ca`, `broker` or `central`."""
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    def private_name(self, name: str) -> str:
        """A name that nobody without our signing key can guess: whoever knows a client's id at a broker can throw it out."""
        return f"{name}-{self.signer.derive(name)[:16]}"

    def authority(self) -> Pair:
        """The certificate authority, read only while enrolling."""
        certificate, key = self.tls("ca")
        return Pair(certificate=certificate.read_bytes(), key=key.read_bytes())


def make_keys(folder: Path, *, broker_hosts: tuple[str, ...], now: datetime) -> CentreKeys:
    """Make whatever is missing and read the rest; repeating it changes nothing that is there, but for certificates that end soon."""
    if not (folder / "ca.crt").exists():
        _write_pair(folder, "ca", make_authority(now=now))
    authority = Pair(certificate=(folder / "ca.crt").read_bytes(), key=(folder / "ca.key").read_bytes())
    if not (folder / "broker.crt").exists():
        key = new_key()
        _write_pair(
            folder, "broker", Pair(certificate=issue_server(authority, key.public_key(), hosts=broker_hosts, now=now), key=key_pem(key))
        )
    if not (folder / "central.crt").exists():
        key = new_key()
        _write_pair(
            folder, "central", Pair(certificate=issue_client(authority, key.public_key(), name=CENTRE_NAME, now=now), key=key_pem(key))
        )
    signing = Ed25519PrivateKey.generate
    for name, new in (("sign.pem", signing), ("seal.pem", X25519PrivateKey.generate), ("log.pem", signing)):
        if not (folder / name).exists():
            write_whole(folder / name, new().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), private=True)
    renew_certificates(folder, now=now)
    return read_keys(folder)


def renew_certificates(folder: Path, *, now: datetime) -> tuple[str, ...]:
    """Issue the certificates of `broker` and `central` anew, for the same keys and names, where they end soon; which ones were.

    None where the authority's key is not here, or another authority issued them. Raises OSError.
    """
    if not (folder / "ca.key").exists():
        return ()
    done, authority = list[str](), Pair(certificate=(folder / "ca.crt").read_bytes(), key=(folder / "ca.key").read_bytes())
    for name in ("broker", "central"):
        path = folder / f"{name}.crt"
        old = path.read_bytes()
        new = reissue(authority, old, now=now) if ends_at(old.decode()) - now < RENEW_BEFORE else None
        if new is not None:
            write_whole(path, new)
            done.append(name)
    return tuple(done)


def read_keys(folder: Path) -> CentreKeys:
    """Read the keys. Raises Misconfigured naming the file that is missing or of another kind."""
    seal = _load(folder / "seal.pem")
    if not isinstance(seal, X25519PrivateKey):
        raise Misconfigured(f"{folder / 'seal.pem'} holds no X25519 key")
    signer = Signer(_signing_key(folder / "sign.pem"))
    return CentreKeys(folder=folder, signer=signer, seal_private=seal, log_private=_signing_key(folder / "log.pem"))


def _signing_key(path: Path) -> Ed25519PrivateKey:
    key = _load(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured(f"{path} holds no Ed25519 key")
    return key


def _load(path: Path) -> object:
    try:
        return load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise Misconfigured(f"key file {path} is missing: run `python -m central migrate`, which makes the centre's keys once") from None
    except ValueError as error:
        raise Misconfigured(f"key file {path} cannot be read: {error}") from None


def _write_pair(folder: Path, name: str, pair: Pair) -> None:
    """The key first: a certificate without key would look complete."""
    write_whole(folder / f"{name}.key", pair.key, private=True)
    write_whole(folder / f"{name}.crt", pair.certificate)
