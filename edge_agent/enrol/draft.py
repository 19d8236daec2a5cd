"""A settings folder in the making. It stands beside its place under a name of its own until it is whole, and is renamed then.

Whatever happens in between, the same command goes on where it was: keys that were made are used again, so that the centre, which may have
granted them already, gives the same answer. Keys begun for another token are thrown away.
"""

import json
import secrets
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from contract.enrolment import EnrolmentRequest, Granted, Token, open_answer, write_request
from contract.message import MalformedMessage
from contract.sealed import Untrusted, raw_public, to_text
from edge_agent.disk.disk import Disk
from edge_agent.errors import AgentError, BadKey, BadSettings, EnrolmentFailed
from edge_agent.keys import load_seal_key, load_signer, load_tls_key, trusted
from edge_agent.settings import Settings, load
from edge_agent.software import VERSION

SETTINGS, NOTE = "agent.toml", "enrolment.json"
SIGN, SEAL, TLS, CERTIFICATE, AUTHORITY, TILL = "sign.pem", "seal.pem", "tls.key", "tls.crt", "ca.crt", "till.token"
MAX_CLOCK_ERROR = timedelta(minutes=5)

Places = tuple[str, str]
"""data_dir and models_dir (empty: the usual place) as the settings shall name them."""


class Draft:
    """One settings folder on its way."""

    def __init__(self, folder: Path, token: Token, disk: Disk) -> None:
        """Touches nothing yet."""
        self.folder, self.token, self._disk = folder, token, disk
        self._part = folder.with_name(f".{folder.name}.part")

    @property
    def done(self) -> bool:
        """Whether this very token was used for the folder that stands there."""
        return _token_of(self.folder) == self.token.token_id

    def begin(self, now: datetime) -> None:
        """Make whatever key is not there yet. Raises EnrolmentFailed for a clock that cannot be right, OSError where it cannot write.

        What was written before an error stays for the next attempt, and is no enrolment.
        """
        if now < self.token.issued_at - MAX_CLOCK_ERROR:
            behind = timedelta(seconds=round((self.token.issued_at - now).total_seconds()))
            raise _wrong_clock(f"at least {behind} behind: it says {now:%Y-%m-%d %H:%M} UTC, and the token was issued later")
        if self._part.exists() and _token_of(self._part) != self.token.token_id:
            self._throw_away()
        self._disk.make_folder(self._part)
        self._once(NOTE, lambda: json.dumps({"token_id": self.token.token_id}).encode())
        self._once(SIGN, lambda: _pem(Ed25519PrivateKey.generate()))
        self._once(SEAL, lambda: _pem(X25519PrivateKey.generate()))
        self._once(TLS, lambda: _pem(ec.generate_private_key(ec.SECP256R1())))
        self._once(TILL, lambda: secrets.token_urlsafe(32).encode())

    def request(self, now: datetime) -> bytes:
        """What the centre is asked. Raises BadKey for a key that was damaged since."""
        builder = x509.CertificateSigningRequestBuilder().subject_name(_name(self.token.device))
        request = EnrolmentRequest(
            token_id=self.token.token_id,
            device=self.token.device,
            at=now,
            seal_public=to_text(raw_public(load_seal_key(self._part / SEAL).public_key())),
            csr=builder.sign(load_tls_key(self._part / TLS), hashes.SHA256()).public_bytes(Encoding.PEM).decode(),
            agent=VERSION,
        )
        return write_request(self.token, request, load_signer(self._part / SIGN))

    def finish(self, data: bytes, places: Places, now: datetime, *, aside: Path | None = None) -> Settings:
        """Check the answer, write the rest, and put the folder in its place; the settings as they are then.

        `aside` is where a folder that stands there goes. Raises EnrolmentFailed; the folder in place is as it was then.
        """
        try:
            answer, granted = open_answer(data, self.token, load_signer(self._part / SIGN).kid, load_seal_key(self._part / SEAL))
        except (Untrusted, MalformedMessage) as error:
            raise EnrolmentFailed(f"the answer cannot be taken: {error}; ask the centre of this token again, or for a new token") from None
        if answer.at > now + MAX_CLOCK_ERROR:
            raise _wrong_clock(f"{timedelta(seconds=round((answer.at - now).total_seconds()))} behind the centre's")
        _require_certificate(granted, load_tls_key(self._part / TLS), self.token.device, now)
        note = {"token_id": self.token.token_id, "device": answer.device, "device_kid": answer.device_kid, "at": answer.at.isoformat()}
        for name, content in (
            (CERTIFICATE, granted.certificate.encode()),
            (AUTHORITY, granted.authority.encode()),
            (SETTINGS, with_places(granted.settings, places).encode()),
            (NOTE, json.dumps(note | {"fixmedins_code": self.token.fixmedins_code, "centre_kid": self.token.centre_kid}).encode()),
        ):
            self._disk.write_durably(self._part / name, content)
        self._require_usable()
        self._put_in_place(aside)
        return load(self.folder / SETTINGS)

    def _require_usable(self) -> None:
        """The agent must take what was granted, and it must be what the token promised."""
        try:
            settings = load(self._part / SETTINGS)
            ours = (settings.device_id, settings.fixmedins_code) == (self.token.device, self.token.fixmedins_code)
            if not ours or self.token.centre_kid not in trusted(settings.centre.sign_keys):
                raise BadSettings("they are for another device, another site or another centre")
        except AgentError as error:
            raise EnrolmentFailed(f"the agent would refuse the settings that the centre gave: {error}") from None

    def _put_in_place(self, aside: Path | None) -> None:
        self._disk.sync(self._part)
        if self.folder.exists():
            if aside is None:
                raise EnrolmentFailed(f"{self.folder} stands there: name another folder, or say --replace")
            self._disk.replace(self.folder, aside)
        self._disk.replace(self._part, self.folder)
        self._disk.sync(self.folder.parent)

    def _once(self, name: str, make: Callable[[], bytes]) -> None:
        if not (self._part / name).exists():
            self._disk.write_durably(self._part / name, make())

    def _throw_away(self) -> None:
        """The note goes last: until then the folder is known as another token's."""
        for path in sorted(self._part.iterdir(), key=lambda path: path.name == NOTE):
            self._disk.remove(path)
        self._part.rmdir()


def with_places(settings: str, places: Places) -> str:
    """The settings with the table of files, which is this machine's affair."""
    data_dir, models_dir = places
    lines = [f"data_dir = {json.dumps(data_dir)}"]
    if models_dir:
        lines.append(f"models_dir = {json.dumps(models_dir)}")
    named = {"sign_key": SIGN, "seal_key": SEAL, "tls_cert": CERTIFICATE, "tls_key": TLS, "tls_ca": AUTHORITY, "till_token": TILL}
    lines += [f'{name} = "{file}"' for name, file in named.items()]
    return settings.rstrip("\n") + "\n\n[files]\n" + "\n".join(lines) + "\n"


def check_settings(settings: str) -> None:
    """Try settings as a terminal would, without files. Raises BadSettings naming the first that the agent refuses."""
    try:
        table = tomllib.loads(with_places(settings, ("data", "")))
        Settings(**table)
    except ValueError as error:
        raise BadSettings(str(error)) from None


def _token_of(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / NOTE).read_bytes())["token_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _require_certificate(granted: Granted, key: ec.EllipticCurvePrivateKey, device: str, now: datetime) -> None:
    try:
        certificate = x509.load_pem_x509_certificate(granted.certificate.encode())
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(granted.authority.encode()))
    except (ValueError, TypeError, InvalidSignature):
        why = "the certificate was not issued by the authority that came with it: the centre's keys do not fit together"
        raise EnrolmentFailed(why) from None
    if certificate.public_key() != key.public_key() or certificate.subject != _name(device):
        raise EnrolmentFailed(f"the certificate is for {certificate.subject.rfc4514_string()} and another key, not for {device}'s")
    if not certificate.not_valid_before_utc <= now.astimezone(UTC) <= certificate.not_valid_after_utc:
        raise EnrolmentFailed(
            f"the certificate holds from {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}, and "
            f"this machine's clock says {now:%Y-%m-%d}: set the clock, or ask the centre to renew"
        )


def _name(device: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device)])


def _wrong_clock(how: str) -> EnrolmentFailed:
    return EnrolmentFailed(f"this machine's clock is {how}: set it (timedatectl set-ntp true, or timedatectl set-time), then go on")


def _pem(key: Ed25519PrivateKey | X25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def damaged(error: BadKey, folder: Path) -> EnrolmentFailed:
    """What to do about a key that was damaged before it was used."""
    return EnrolmentFailed(f"{error}. Remove {folder.with_name(f'.{folder.name}.part')} and give the same command again")
