"""The line of a window, put together from the agent's own parts on a real encrypted disk, with a clock at every joint.

Time is that of the frames, so that a settlement needs no waiting; what is measured is real. The limits let one moment decide, where a
window asks for three, so that one frame gives a verdict.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from numpy.typing import NDArray

from contract.commands import GalleryEntry
from contract.events import EvidenceMode
from contract.media import media_id
from contract.receipts import Receipt
from contract.sealed import Signer, digest, raw_public
from edge_agent.agent import Agent
from edge_agent.camera.frames import Sight
from edge_agent.chain.books import Books
from edge_agent.chain.capture import Closed, Enclosed, Scribe
from edge_agent.chain.outbox import Outbox, Place
from edge_agent.chain.register import Register
from edge_agent.clock import Offset
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.health.metrics import Metrics
from edge_agent.judging import gallery
from edge_agent.judging.examine import Examiner
from edge_agent.judging.judge import Judge, Judgement
from edge_agent.judging.recent import RecentFaces
from edge_agent.replay import BEGINNING, WHOLE, FrameClock, describe_software, entry_of
from edge_agent.sections.core import Limits, Link, Times, Upkeep
from edge_agent.session import Answer, Bind, Start
from edge_agent.window.eyes import cut
from edge_agent.window.vacancy import Vacancy
from edge_agent.wiring import OUTBOX_SCHEMA, new_eyes
from models import template
from models.liveness_track import PICTURE
from models.pack import Pack
from models.protocols import Detector, Embedder, LivenessNet
from models.results import Face, Picture
from scripts.benchmarks.clips import Clip, by_person
from scripts.benchmarks.errors import CannotMeasure

WINDOW, DEVICE, SITE = "W1", "P99999900001-t1", "P99999900001"
ONE_FRAME = Limits(min_good_frames=1, min_track_frames=1)
AT_ONCE = Times(window_before_s=0.01, window_after_s=0.01, presence_before_s=0.01, presence_after_s=0.01, answer_look_s=0.01)
EVENT_BYTES, PICTURE_BYTES = 2_000, 12_000  # of a capture and of a sealed portrait, about
FRAME_S = 1 / 6  # between two frames that a window analyses


def enrolled(pack: Pack, found: Iterable[Clip]) -> list[GalleryEntry]:
    """Every person, from the first clip of each."""
    return [entry_of(person, template.from_pictures(pack, mine[0].frames)) for person, mine in by_person(found).items()]


@contextmanager
def new_line(
    pack: Pack, folder: Path, people: Sequence[GalleryEntry], limits: Limits = ONE_FRAME, times: Times = AT_ONCE
) -> Iterator["Line"]:
    """A line on new vaults in a folder of its own below `folder`, which is deleted afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as place:
        line = Line(pack, Path(place), people, limits, times)
        try:
            yield line
        finally:
            line.close()


class Steps:
    """Seconds by step of what is being measured."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add what the block takes to this step."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - begun

    def taken(self) -> dict[str, float]:
        """What was added since the last time."""
        found, self._seconds = self._seconds, {}
        return found


class Line:
    """One window without threads and without a network: till, frames, verdict, outbox. `close` once."""

    def __init__(
        self, pack: Pack, folder: Path, people: Sequence[GalleryEntry], limits: Limits = ONE_FRAME, times: Times = AT_ONCE
    ) -> None:
        """Open new vaults in `folder`; `people` are enrolled. Liveness is judged from one moment on, where the pack can."""
        self.steps = Steps()
        self._clock = FrameClock()
        self._number = 0
        timed = _timed_pack(pack, self.steps)
        key = vault_key(folder / "vault.key")
        self._vaults = (Vault.open(folder / "outbox.db", key, OUTBOX_SCHEMA), Vault.open(folder / "gallery.db", key, gallery.SCHEMA))
        self.outbox = Outbox(self._vaults[0], new_epoch=int(BEGINNING.timestamp()))
        self._eyes = new_eyes(timed, WHOLE, limits, times)
        self._agent = Agent(
            windows=[WINDOW],
            times=times,
            max_open=1,
            books=self._books(pack, limits),
            judge=self._judge(timed, people, limits),
            vacancy=Vacancy([WINDOW], empty_share=limits.empty_share, gap_s=times.camera_gap_s),
            clock=self._clock,
            metrics=Metrics(),
        )

    def begin(self, psn_no: str) -> Answer:
        """A card is read and the settlement bound at once: it ends with the next `close`. Durable."""
        self._number += 1
        self._clock.set(self._clock.mono_s() + FRAME_S)
        msgid, settlement = f"M{self._number}", f"S{self._number}"
        answer = self._agent.start(Start(msgid=msgid, infno="2102", psn_no=psn_no, mdtrt_cert_type="03", window=WINDOW))
        self._agent.bind(Bind(msgid=msgid, setl_id=settlement, mdtrt_id=settlement, setl_time=self._clock.now(), medfee_sumamt=Decimal(1)))
        return answer

    def see(self, picture: Picture, after_s: float = FRAME_S) -> Sight:
        """The next frame, so long after the last one."""
        self._clock.set(self._clock.mono_s() + after_s)
        with self.steps.of("look"):
            sight = self._eyes.look(picture, self._clock.mono_s())
        with self.steps.of("observe"):
            self._agent.observe(WINDOW, sight, cut(picture, WHOLE))
        return sight

    def end(self) -> Judgement:
        """Judge what was seen since `begin`; the signed capture is in the outbox when this returns. Raises CannotMeasure if it is not."""
        with self.steps.of("end"):
            judged = self._agent.tick()
        if len(judged) != 1 or judged[0] is None:
            raise CannotMeasure(f"the settlement did not end in one verdict but in {judged}; the log says why")
        return judged[0]

    def pile_up(self, captures: int) -> None:
        """So many events with a sealed picture each wait for a centre that is not there. Their content is random."""
        with self._vaults[0].transaction():
            for _ in range(captures):
                self.outbox.append(lambda _place: os.urandom(EVENT_BYTES), [os.urandom(PICTURE_BYTES)])

    def receive(self) -> None:
        """The centre's word that it has everything: what waits is deleted."""
        waiting = self.outbox.backlog()
        events = self.outbox.events_after(waiting.receipted, waiting.events)
        if events:
            self.outbox.prune(
                Receipt(
                    device=DEVICE,
                    epoch=waiting.epoch,
                    up_to=events[-1][0],
                    head=digest(events[-1][1]),
                    gaps=(),
                    media_done=tuple(self._media()),
                    at=self._clock.now(),
                )
            )

    def close(self) -> None:
        """Close the vaults."""
        for vault in self._vaults:
            vault.close()

    def _media(self) -> Iterator[str]:
        number = 0
        while found := self.outbox.media_after(number):
            number, sealed = found
            yield media_id(sealed)

    def _judge(self, pack: Pack, people: Sequence[GalleryEntry], limits: Limits) -> Judge:
        faces = gallery.Faces(
            vault=self._vaults[1],
            seal_key=X25519PrivateKey.generate(),
            device=DEVICE,
            embedder=pack.embedder.version,
            size=pack.embedder.size,
        )
        faces.add(people)
        recent = RecentFaces(keep_s=Upkeep().recent_faces_h * 3600, limit=limits.among)
        examiner = Examiner(pack.liveness, PICTURE)
        return Judge(embedder=pack.embedder, people=faces, recent=recent, limits=limits, examiner=examiner)

    def _books(self, pack: Pack, limits: Limits) -> Books:
        scribe = _TimedScribe(
            self.steps,
            signer=Signer(Ed25519PrivateKey.generate()),
            device=DEVICE,
            fixmedins_code=SITE,
            centre_seal_key=raw_public(X25519PrivateKey.generate().public_key()),
            mode=EvidenceMode.ALL,
            software=describe_software(pack, limits),
            clock=self._clock,
            offset=Offset(),
        )
        vault = self._vaults[0]
        return _TimedBooks(
            self.steps, vault=vault, outbox=self.outbox, register=Register(vault), scribe=scribe, media_bytes=Link().max_media_mb * 2**20
        )


class _TimedBooks(Books):
    def __init__(self, steps: Steps, **parts: Any) -> None:
        super().__init__(**parts)
        self._steps = steps

    def close(self, closed: Closed) -> None:
        with self._steps.of("books"):
            super().close(closed)


class _TimedScribe(Scribe):
    def __init__(self, steps: Steps, **parts: Any) -> None:
        super().__init__(**parts)
        self._steps = steps

    def enclose(self, closed: Closed) -> Enclosed:
        with self._steps.of("seal"):
            return super().enclose(closed)

    def capture(self, closed: Closed, enclosed: Enclosed, place: Place, remarks: tuple[str, ...] = ()) -> bytes:
        with self._steps.of("sign"):
            return super().capture(closed, enclosed, place, remarks)


@dataclass(frozen=True, slots=True)
class _TimedDetector:
    inner: Detector
    steps: Steps

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        with self.steps.of("detect"):
            return self.inner.detect(picture)


@dataclass(frozen=True, slots=True)
class _TimedEmbedder:
    inner: Embedder
    steps: Steps

    @property
    def version(self) -> str:
        return self.inner.version

    @property
    def size(self) -> int:
        return self.inner.size

    def describe(self, chips: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with self.steps.of("embed"):
            return self.inner.describe(chips)


@dataclass(frozen=True, slots=True)
class _TimedLiveness:
    inner: LivenessNet
    steps: Steps

    @property
    def version(self) -> str:
        return self.inner.version

    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        with self.steps.of("liveness"):
            return self.inner.score(crops)


def _timed_pack(pack: Pack, steps: Steps) -> Pack:
    liveness = None if pack.liveness is None else _TimedLiveness(pack.liveness, steps)
    return replace(pack, detector=_TimedDetector(pack.detector, steps), embedder=_TimedEmbedder(pack.embedder, steps), liveness=liveness)
