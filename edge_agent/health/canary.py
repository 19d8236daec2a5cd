"""A made picture through the whole line, now and then: proof that every part still does its work. It never becomes a capture.

What the default networks answer to it stands in canary.toml, measured once; other networks are compared with their own first answer.
"""

import base64
import secrets
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contract.sealed import TrustedKey, Untrusted, raw_public, seal, unseal, verify
from contract.state import Death
from edge_agent.clock import Clock
from edge_agent.disk.vault import Vault
from edge_agent.health import drawing
from edge_agent.ports import Signing
from models.align import chip
from models.compare import similarity
from models.liveness import crops
from models.pack import Pack
from models.results import Box, Vector

OVERLAP = 0.5  # of the detector's box with the drawn one; a moved or scaled answer has less
SAME_VECTOR = 0.99  # leaves room for another processor's rounding, none for other weights or another cut
SAME_SCORE = 0.1  # of liveness
PURPOSE = "canary"

log = structlog.get_logger(__name__)


class _Undo(Exception):
    """Ends a transaction of which nothing shall be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The parts that are proved: networks, this device's keys, and its stores."""

    pack: Pack
    signer: Signing
    seal_key: X25519PrivateKey
    vaults: Sequence[Vault]


class Canary:
    """Runs the made picture when it is due and nobody is being served. To be called from one thread; what it found, from any."""

    def __init__(self, line: Line, *, every_s: float, clock: Clock, idle: Callable[[], bool]) -> None:
        self._line, self._every_s, self._clock, self._idle = line, every_s, clock, idle
        self._expected = _measured(line.pack)
        self._ran_s = clock.mono_s() - every_s
        self.fault: str | None = None
        """The step that failed at the last run; None when all went well."""

    @property
    def late_s(self) -> float:
        """Seconds since it last ran, or should have begun to."""
        return self._clock.mono_s() - self._ran_s

    def run_if_due(self) -> None:
        """Run it unless it ran lately or a session is open; takes a tenth of a second or two."""
        if self.late_s >= self._every_s and self._idle():
            self.run()

    def run(self) -> None:
        """Run it now."""
        self.fault, self._ran_s = self._first_fault(), self._clock.mono_s()
        log.info("canary", fault=self.fault)

    def _first_fault(self) -> str | None:
        steps: dict[str, Callable[[], str | None]] = {
            "detector": self._detect,
            "embedder": self._embed,
            "liveness": self._judge_liveness,
            "seal": self._seal,
            "signature": self._sign,
            "store": self._store,
        }
        for name, step in steps.items():
            try:
                fault = step()
            except Exception as error:
                log.exception("canary_step_failed", step=name)
                fault = type(error).__name__
            if fault is not None:
                return f"{name} ({fault})"
        return None

    def _detect(self) -> str | None:
        found = self._line.pack.detector.detect(drawing.face())
        return None if any(_overlap(face.box, drawing.BOX) >= OVERLAP for face in found) else f"{len(found)} faces, none where it is drawn"

    def _embed(self) -> str | None:
        vectors, _ = self._line.pack.embedder.describe(chip(drawing.face(), drawing.LANDMARKS)[np.newaxis])
        known = self._expected.setdefault(self._line.pack.embedder.version, vectors[0])
        found = similarity(vectors[0], known)
        return None if found >= SAME_VECTOR else f"similarity {found:.3f} with what it was"

    def _judge_liveness(self) -> str | None:
        net = self._line.pack.liveness
        if net is None:
            return None
        score = net.score(crops(drawing.face(), drawing.BOX)[np.newaxis])
        known = self._expected.setdefault(net.version, score)
        return None if abs(float(score[0] - known[0])) <= SAME_SCORE else f"score {score[0]:.2f}, it was {known[0]:.2f}"

    def _seal(self) -> str | None:
        plain = secrets.token_bytes(64)
        opened = unseal(seal(plain, raw_public(self._line.seal_key.public_key()), PURPOSE), self._line.seal_key, PURPOSE)
        return None if opened == plain else "opened to something else"

    def _sign(self) -> str | None:
        """A message that is sent nowhere, and one bit of it changed."""
        key = TrustedKey(self._line.signer.public)
        signed = self._line.signer.sign(Death(device=PURPOSE, epoch=1, connection=1, at=self._clock.now()))
        verify(signed, {key.kid: key}.get, Death.typ)
        try:
            verify(signed[:-8] + bytes([signed[-8] ^ 1]) + signed[-7:], {key.kid: key}.get, Death.typ)
        except Untrusted:
            return None
        return "a changed message was believed"

    def _store(self) -> str | None:
        return next((fault for vault in self._line.vaults if (fault := _written_and_undone(vault)) is not None), None)


def _written_and_undone(vault: Vault) -> str | None:
    text = secrets.token_hex(16)
    try:
        with vault.transaction() as db:
            db.execute("CREATE TABLE canary (text TEXT)")
            db.execute("INSERT INTO canary VALUES (?)", (text,))
            if db.execute("SELECT text FROM canary").fetchone() != (text,):
                return "something else was read than written"
            raise _Undo
    except _Undo:
        pass
    with vault.transaction() as db:
        kept = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'canary'").fetchone()
    return None if kept is None else "what was undone is still there"


def _measured(pack: Pack) -> dict[str, Vector]:
    table = tomllib.loads(files(__package__).joinpath("canary.toml").read_text(encoding="utf-8"))
    known = {name: np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32) for name, text in table.items()}
    names = {pack.embedder.version, "" if pack.liveness is None else pack.liveness.version}
    return {name: vector for name, vector in known.items() if name in names}


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    both = max(0.0, across) * max(0.0, down)
    return both / (one.width * one.height + other.width * other.height - both)
