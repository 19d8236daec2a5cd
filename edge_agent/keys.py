"""Read this device's keys and secrets from files that nobody else may read."""

import os
import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from contract.sealed import Signer, TrustedKey, from_text
from edge_agent.errors import BadKey

OTHERS = 0o077
GROUP_READS = 0o040
MIN_TOKEN = 32
MIN_SIGNS = 8  # of 32 hexadecimal digits drawn by lot fewer differ once in 28 million times; of 32 signs of base64 never
SAMPLE = re.compile(r"example|change.?me|password|default|my.?secret|abcdefgh|01234567", re.IGNORECASE)
WAY_OUT = "enrol the site again, or restore the file"


def load_signer(path: Path) -> Signer:
    """The signer of this device. Raises BadKey."""
    key = _private_key(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(f"{path} is no Ed25519 private key; {WAY_OUT}")
    return Signer(key)


def load_seal_key(path: Path) -> X25519PrivateKey:
    """The key with which gallery pages are opened. Raises BadKey."""
    key = _private_key(path)
    if not isinstance(key, X25519PrivateKey):
        raise BadKey(f"{path} is no X25519 private key; {WAY_OUT}")
    return key


def load_tls_key(path: Path) -> EllipticCurvePrivateKey:
    """The key of this device's TLS certificate. Raises BadKey."""
    key = _private_key(path)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise BadKey(f"{path} is no elliptic-curve private key; {WAY_OUT}")
    return key


def load_token(path: Path) -> str:
    """The secret of the till. Raises BadKey if it is missing, readable by others, too short, or nothing that was drawn by lot."""
    check_private(path)
    token = path.read_text(encoding="ascii", errors="replace").strip()
    if len(token) < MIN_TOKEN:
        raise BadKey(f"{path} holds {len(token)} characters, a token has at least {MIN_TOKEN}; {WAY_OUT}")
    if len(set(token)) < MIN_SIGNS or SAMPLE.search(token):
        raise BadKey(f"{path} holds a sample or a pattern, and no secret; {WAY_OUT}")
    return token


def trusted(texts: tuple[str, ...]) -> dict[str, TrustedKey]:
    """The centre's keys by kid. Raises BadKey for text that is no key."""
    try:
        keys = [TrustedKey(from_text(text)) for text in texts]
    except ValueError as error:
        raise BadKey(f"centre.sign_keys holds no Ed25519 public key ({error}); copy it from the centre") from None
    return {key.kid: key for key in keys}


def read_private(path: Path) -> bytes:
    """The bytes of a secret file. Raises BadKey if it is missing or others may read it."""
    check_private(path)
    return path.read_bytes()


def check_private(path: Path) -> None:
    """Raises BadKey if the file is missing or others than its owner may touch it."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise BadKey(f"{path} cannot be read ({error.strerror}); {WAY_OUT}") from None
    if exposed(path, mode):
        raise BadKey(f"{path} may be read by others (mode {mode & 0o777:o}); run: chmod 600 {path}")


def exposed(path: Path, mode: int) -> bool:
    """Whether a file of this mode may be touched by others than its owner.

    Credentials of the service manager belong to root, and an access list lets this user alone read them: that list shows as the right of a
    group to read (systemd.exec(5), LoadCredential).
    """
    ours = os.environ.get("CREDENTIALS_DIRECTORY")
    is_credential = bool(ours) and path.parent == Path(str(ours))
    return bool(mode & OTHERS & ~(GROUP_READS if is_credential else 0))


def _private_key(path: Path) -> object:
    check_private(path)
    try:
        return load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey(f"{path} is no private key in PEM form ({type(error).__name__}); {WAY_OUT}") from None
