"""A real centre in a temporary folder, and devices that sign as terminals do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from central import migrate
from central.captures.intake import Intake, Taken
from central.captures.model import Incoming
from central.devices import service as devices
from central.devices.model import NewDevice
from central.keys import make_keys
from central.settings import Settings
from central.sites import service as sites
from central.sites.model import NewSite
from central.wiring import Centre, open_centre
from contract.events import GENESIS, AnyEvent, EvidenceMode
from contract.message import Message
from contract.sealed import Signer, digest, embedding_purpose, raw_public, seal, to_text
from contract.topics import Up, up
from tests import builders


def make_centre(folder: Path, *, now: Callable[[], datetime] = lambda: builders.AT, database_url: str = "") -> Centre:
    """Keys, an empty database at the newest schema, one site."""
    settings = Settings(data_dir=folder, database_url=database_url)
    make_keys(settings.keys_dir, broker_hosts=("127.0.0.1", "localhost"), now=builders.AT)
    centre = open_centre(settings, now=now)
    migrate.upgrade(centre.engine)
    with centre.engine.begin() as db:
        site = NewSite(
            fixmedins_code=builders.SITE,
            fixmedins_name="示例大药房",
            admdvs="999999",
            evidence_mode=EvidenceMode.ALL,
            legal_basis="test",
        )
        sites.register_site(db, site, now=centre.now(), actor="test")
    return centre


def make_intake(centre: Centre) -> Intake:
    """What an ingest worker takes batches with."""
    return Intake(keys=centre.keys, files=centre.pictures, faces=centre.settings.faces, now=centre.now)


def take(centre: Centre, intake: Intake, *messages: Incoming) -> Taken:
    """One committed batch."""
    with centre.engine.begin() as db:
        return intake.take(db, messages)


@dataclass
class Terminal:
    """A registered device that signs and numbers its events."""

    centre: Centre
    device_id: str = builders.DEVICE
    signer: Signer = field(default_factory=lambda: Signer(Ed25519PrivateKey.generate()))
    seal_key: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    seq: int = 0
    prev: str = GENESIS

    def register(self) -> "Terminal":
        """Make it known at the centre."""
        device = NewDevice(
            device_id=self.device_id,
            fixmedins_code=builders.SITE,
            windows=("W1",),
            kid=self.signer.kid,
            sign_public=self.signer.public,
            seal_public=raw_public(self.seal_key.public_key()),
        )
        with self.centre.engine.begin() as db:
            devices.register_device(db, device, now=self.centre.now(), actor="test")
        return self

    def event(self, build: Callable[..., AnyEvent] = builders.capture, **changes: Any) -> Incoming:
        """The next event of the chain."""
        self.seq += 1
        signed = self.signer.sign(build(device=self.device_id, seq=self.seq, prev=self.prev, **changes))
        self.prev = digest(signed)
        return Incoming(topic=up(Up.EVENT, self.device_id), payload=signed)

    def send(self, channel: Up, message: Message) -> Incoming:
        """Any signed message on a topic of this device."""
        return Incoming(topic=up(channel, self.device_id), payload=self.signer.sign(message))

    def face(self, vector: np.ndarray, msgid: str) -> str:
        """An embedding sealed as a capture carries it."""
        plain = np.asarray(vector, "<f4").tobytes()
        return to_text(seal(plain, self.centre.keys.seal_public, embedding_purpose(self.device_id, msgid)))


def unit_vector(seed: str, near: np.ndarray | None = None, similarity: float = 0.0) -> np.ndarray:
    """A 192-value unit vector; with `near`, one at exactly that cosine to it."""
    rng = np.random.default_rng(int.from_bytes(sha256(seed.encode()).digest()[:8], "big"))
    fresh = rng.normal(size=192)
    if near is None:
        return (fresh / np.linalg.norm(fresh)).astype(np.float32)
    across = fresh - (fresh @ near) * near
    mixed = similarity * near + np.sqrt(1 - similarity**2) * across / np.linalg.norm(across)
    return (mixed / np.linalg.norm(mixed)).astype(np.float32)


def minutes(number: float) -> timedelta:
    """Short for readable tables of times."""
    return timedelta(minutes=number)
