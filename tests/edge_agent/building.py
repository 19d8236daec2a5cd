"""An enrolled terminal in a folder, and the centre's side of it."""

import base64
import secrets
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from central.certificates import Pair, issue_client, issue_server, key_pem, make_authority, new_key
from contract.commands import Gallery, GalleryEntry, GalleryPage, GalleryRole
from contract.receipts import Receipt
from contract.sealed import Signer, TrustedKey, gallery_purpose, raw_public, seal, to_text
from edge_agent.camera.frames import Presented, Shot, Sight
from edge_agent.sections.core import Limits
from edge_agent.window.presence import Ground
from models.liveness_track import LivenessShot
from models.results import Box, Picture, Quality
from tests.fakes import face_at

DEVICE = "P99999900001-t1"
SITE = "P99999900001"
FOREVER = datetime(2099, 1, 1, tzinfo=UTC)
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """The folder that enrolment would make, and all private keys of both sides."""

    folder: Path
    signer: Signer
    seal_key: X25519PrivateKey
    centre_signer: Signer
    centre_seal_key: X25519PrivateKey
    token: str
    authority: Pair

    @property
    def settings_file(self) -> Path:
        return self.folder / "agent.toml"

    @property
    def trusted(self) -> dict[str, TrustedKey]:
        key = TrustedKey(self.centre_signer.public)
        return {key.kid: key}

    def find_device_key(self, kid: str) -> TrustedKey | None:
        key = TrustedKey(self.signer.public)
        return key if key.kid == kid else None

    def receipt(self, *, epoch: int, up_to: int, head: str, gaps: tuple[tuple[int, int], ...] = (), media: tuple[str, ...] = ()) -> bytes:
        """A receipt signed by the centre."""
        at = datetime.now(UTC)
        return self.centre_signer.sign(Receipt(device=DEVICE, epoch=epoch, up_to=up_to, head=head, gaps=gaps, media_done=media, at=at))

    def gallery(self, page: GalleryPage, *, from_version: int, to_version: int) -> Gallery:
        """A gallery command sealed to this device, unsigned."""
        sealed = seal(page.model_dump_json().encode(), raw_public(self.seal_key.public_key()), gallery_purpose(DEVICE))
        return Gallery(device=DEVICE, at=datetime.now(UTC), from_version=from_version, to_version=to_version, page=to_text(sealed))


def make_terminal(folder: Path, *, broker_port: int = 1, more: str = "", windows: str = "") -> Terminal:
    """Write keys, certificates and settings. `more` and `windows` are TOML; without windows there is W1 with a missing file."""
    folder.mkdir(parents=True, exist_ok=True)
    sign, seal_key, now = Ed25519PrivateKey.generate(), X25519PrivateKey.generate(), datetime.now(UTC)
    centre_sign, centre_seal = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    authority, tls = make_authority(now=now), new_key()
    token = secrets.token_urlsafe(TOKEN_BYTES)
    for name, content in {
        "sign.pem": sign.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "seal.pem": seal_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "tls.key": key_pem(tls),
        "tls.crt": issue_client(authority, tls.public_key(), name=DEVICE, now=now),
        "ca.crt": authority.certificate,
        "till.token": token.encode(),
    }.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    windows = windows or '[[windows]]\nwindow = "W1"\nsource = "missing.mkv"\n'
    (folder / "agent.toml").write_text(
        f'''device_id = "{DEVICE}"
fixmedins_code = "{SITE}"
{more if not more.lstrip().startswith("[") else ""}
[files]
data_dir = "data"
sign_key = "sign.pem"
seal_key = "seal.pem"
tls_cert = "tls.crt"
tls_key = "tls.key"
tls_ca = "ca.crt"
till_token = "till.token"
[broker]
host = "127.0.0.1"
port = {broker_port}
[centre]
sign_keys = ["{to_text(raw_public(centre_sign.public_key()))}"]
seal_key = "{to_text(raw_public(centre_seal.public_key()))}"
[till]
port = 0
{more if more.lstrip().startswith("[") else ""}
{windows}''',
        encoding="utf-8",
    )
    return Terminal(
        folder=folder,
        signer=Signer(sign),
        seal_key=seal_key,
        centre_signer=Signer(centre_sign),
        centre_seal_key=centre_seal,
        token=token,
        authority=authority,
    )


def write_broker_certificate(terminal: Terminal, folder: Path) -> None:
    """server.crt, server.key for 127.0.0.1 and central.crt, central.key for the centre."""
    now = datetime.now(UTC)
    server, centre = new_key(), new_key()
    (folder / "server.crt").write_bytes(issue_server(terminal.authority, server.public_key(), hosts=("127.0.0.1",), now=now))
    (folder / "server.key").write_bytes(key_pem(server))
    (folder / "central.crt").write_bytes(issue_client(terminal.authority, centre.public_key(), name="central", now=now))
    (folder / "central.key").write_bytes(key_pem(centre))


def entry(psn_no: str, vector: "np.typing.ArrayLike", *, embedder: str = "colour-1", **changes: object) -> GalleryEntry:
    """A gallery entry that never expires."""
    data = base64.urlsafe_b64encode(np.asarray(vector, "<f4").tobytes()).rstrip(b"=").decode()
    rest: dict[str, object] = {"role": GalleryRole.INSURED, "acts_for": (), "expires_at": FOREVER} | changes
    return GalleryEntry.model_validate({"psn_no": psn_no, "embedder": embedder, "vector": data} | rest)


def quality(**changes: float) -> Quality:
    """A good face; measures that do not matter here are 0."""
    good = {"score": 0.9, "sharpness": 0.1, "luminance_mean": 0.5, "dynamic_range": 7.0, "inter_eye_distance": 30.0, "weight": 0.5}
    return Quality(**({field.name: 0.0 for field in fields(Quality)} | good | changes))


def shot(
    x: float = 320,
    y: float = 200,
    *,
    width: float = 60,
    score: float = 0.9,
    colour: tuple[int, int, int] = (255, 0, 0),
    problems: tuple[str, ...] = (),
    covered: bool = False,
    weight: float = 0.5,
    hints: tuple[str, ...] = (),
) -> Shot:
    """A face in a frame; its colour says who it is to a ColourEmbedder."""
    chip: Picture = np.full((112, 112, 3), colour, np.uint8)
    box = Box(x0=x - width / 2, y0=y - width / 2, x1=x + width / 2, y1=y + width / 2)
    measured = quality(weight=weight)
    return Shot(box=box, score=score, quality=measured, problems=problems, covered=covered, chip=chip, portrait=chip, hints=hints)


def presented(one: Shot, mono_s: float, liveness: float, *, digest: bytes | None = None, border: float = 0.0) -> Shot:
    """The shot with what liveness is judged by: as live as its looks are bright, a pixel further each moment, other pixels each moment."""
    x, y = one.box.centre
    landmarks = face_at(x + mono_s * 6, y, one.box.width).landmarks
    looks = np.full((2, 80, 80, 3), round(255 * liveness), np.uint8)
    sign = LivenessShot(mono_s=mono_s, landmarks=landmarks, border=border, digest=digest or str(mono_s).encode(), score=None)
    return replace(one, presented=Presented(shot=sign, looks=looks))


def sight(mono_s: float, *shots: Shot, learnt: bool = True, foreground: float = 0.0) -> Sight:
    """An analysed frame of 640 x 400."""
    faces = sum(one.score >= Limits().min_face_score for one in shots)
    return Sight(mono_s=mono_s, width=640, height=400, shots=shots, faces=faces, ground=Ground(learnt=learnt, foreground=foreground))
