"""Run one settlement on a recording through the very code that runs at a window: no camera thread, no broker, no disk.

Deterministic: time is that of the frames, not of the machine. A second composition root beside `wiring`, for one recording.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contract.commands import GalleryEntry, GalleryRole
from contract.events import EvidenceMode, Liveness, Software
from contract.sealed import Signer, raw_public, to_text
from edge_agent.agent import Agent
from edge_agent.camera.source import FOLDER_INTERVAL_S, opener
from edge_agent.chain.books import Books
from edge_agent.chain.capture import Scribe
from edge_agent.chain.outbox import Outbox
from edge_agent.chain.register import Register
from edge_agent.clock import Offset
from edge_agent.disk.vault import Vault
from edge_agent.errors import SourceError
from edge_agent.health.metrics import Metrics
from edge_agent.judging import gallery
from edge_agent.judging.examine import Examiner
from edge_agent.judging.judge import Judge, Judgement
from edge_agent.judging.recent import RecentFaces
from edge_agent.sections.core import Limits, LivenessSettings, Times
from edge_agent.session import Bind, Start
from edge_agent.software import VERSION, detector_name, limits_sha256
from edge_agent.window.eyes import cut
from edge_agent.window.vacancy import Vacancy
from edge_agent.wiring import OUTBOX_SCHEMA, new_eyes
from models import picture, template
from models.pack import Pack
from models.results import Picture, Template

NAME, MSGID = "replay", "R1"
BEGINNING, END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
WHOLE = (0.0, 0.0, 1.0, 1.0)
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
NO_HASH = "0" * 64


class FrameClock:
    """Time that stands still until the next frame."""

    def __init__(self) -> None:
        self._mono_s = 0.0

    def now(self) -> datetime:
        """Wall time, UTC, from a fixed beginning."""
        return BEGINNING + timedelta(seconds=self._mono_s)

    def mono_s(self) -> float:
        """Seconds since the first frame."""
        return self._mono_s

    def set(self, mono_s: float) -> None:
        """The next frame is due at this time."""
        self._mono_s = mono_s


def frames(path: Path) -> Iterator[tuple[float, Picture]]:
    """The frames of a video, animation, picture or folder of pictures with their times in seconds. Raises SourceError or PictureRefused."""
    if path.suffix.lower() in PICTURES and path.is_file():
        yield 0.0, picture.read(path)
        return
    stream = opener(str(path.absolute()), loop=False)()
    interval_s = stream.interval_s or FOLDER_INTERVAL_S
    number = 0
    try:
        while (frame := stream.read()) is not None:
            yield number * interval_s, frame
            number += 1
    finally:
        stream.close()


def enrol(pack: Pack, folder: Path) -> list[GalleryEntry]:
    """The persons of a gallery folder: each entry is a picture, clip or folder named by psn_no. Raises SourceError or PictureRefused."""
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder; it holds one picture, clip or folder for each person, named by psn_no")
    return [entry_of(path.stem if path.is_file() else path.name, describe(pack, path)) for path in sorted(folder.iterdir())]


def describe(pack: Pack, path: Path) -> Template:
    """The template of the person in a picture, clip or folder. Raises SourceError or PictureRefused."""
    if path.suffix.lower() in PICTURES and path.is_file():
        return template.from_picture(pack, picture.read(path))
    return template.from_pictures(pack, (frame for _, frame in frames(path)))


def entry_of(psn_no: str, made: Template) -> GalleryEntry:
    """An entry of the gallery that lasts as long as a replay."""
    return GalleryEntry(
        psn_no=psn_no,
        role=GalleryRole.INSURED,
        embedder=made.version,
        vector=to_text(np.asarray(made.vector, gallery.VECTOR_TYPE).tobytes()),
        acts_for=(),
        expires_at=END,
    )


def replay(pack: Pack, video: Path, psn_no: str, entries: Sequence[GalleryEntry], *, limits: Limits, fps: float | None) -> Judgement | None:
    """Judge one settlement of this person on a recording, analysed `fps` times a second of its own time, or at every frame.

    None if judging failed. Raises SourceError or PictureRefused for a recording that cannot be read.
    """
    clock, eyes = FrameClock(), new_eyes(pack, WHOLE, limits, Times())
    agent = _agent(pack, clock, entries, limits)
    agent.start(Start(msgid=MSGID, infno="2207", psn_no=psn_no, mdtrt_cert_type="02", window=NAME))
    due_s = 0.0
    for mono_s, frame in frames(video):
        clock.set(mono_s)
        if fps is None or mono_s >= due_s:
            due_s = 0.0 if fps is None else due_s + 1 / fps
            agent.observe(NAME, eyes.look(frame, mono_s), cut(frame, WHOLE))
    agent.bind(Bind(msgid=MSGID, setl_id="S1", mdtrt_id="V1", setl_time=clock.now(), medfee_sumamt="0.00"))
    clock.set(clock.mono_s() + _instant().window_after_s)
    return agent.tick()[0]


def report(judgement: Judgement, software: Software, limits: Limits) -> dict[str, Any]:
    """Everything about a judgement that may be shown to whoever tries a recording; no template."""
    evidence, person = asdict(judgement.evidence), judgement.decision.person
    evidence.pop("frames")
    return {
        "outcome": judgement.decision.outcome,
        "reasons": judgement.decision.reasons,
        "similarity": judgement.similarity,
        "liveness": Liveness.NOT_EVALUATED if person is None else person.liveness,
        "liveness_score": None if person is None else person.liveness_score,
        "liveness_reasons": () if person is None else person.liveness_reasons,
        "frames": judgement.evidence.frames.model_dump(),
        **evidence,
        "software": software.model_dump(),
        "limits": limits.model_dump(),
    }


def describe_software(pack: Pack, limits: Limits) -> Software:
    """What decides in a replay."""
    return Software(
        agent=VERSION,
        detector=detector_name(pack),
        embedder=pack.embedder.version,
        limits_sha256=limits_sha256(limits, LivenessSettings(), pack, {}),
        settings_sha256=NO_HASH,
    )


def _agent(pack: Pack, clock: FrameClock, entries: Sequence[GalleryEntry], limits: Limits) -> Agent:
    vault, seal_key = Vault.in_memory(OUTBOX_SCHEMA), X25519PrivateKey.generate()
    faces = gallery.Faces(
        vault=Vault.in_memory(gallery.SCHEMA), seal_key=seal_key, device=NAME, embedder=pack.embedder.version, size=pack.embedder.size
    )
    faces.add(entries)
    scribe = Scribe(
        signer=Signer(Ed25519PrivateKey.generate()),
        device=NAME,
        fixmedins_code="H00000000000",
        centre_seal_key=raw_public(seal_key.public_key()),
        mode=EvidenceMode.VERDICT_ONLY,
        software=describe_software(pack, limits),
        clock=clock,
        offset=Offset(),
    )
    return Agent(
        windows=[NAME],
        times=_instant(),
        max_open=1,
        books=Books(vault=vault, outbox=Outbox(vault, new_epoch=1), register=Register(vault), scribe=scribe, media_bytes=0),
        judge=Judge(
            embedder=pack.embedder,
            people=faces,
            recent=RecentFaces(keep_s=0, limit=limits.among),
            limits=limits,
            examiner=Examiner(pack.liveness, LivenessSettings().limits()),
        ),
        vacancy=Vacancy([NAME], empty_share=limits.empty_share, gap_s=_instant().camera_gap_s),
        clock=clock,
        metrics=Metrics(),
    )


def _instant() -> Times:
    """The recording is the settlement, from its first frame to its last."""
    return Times(window_before_s=0.01, window_after_s=0.01, presence_before_s=0.01, presence_after_s=0.01, session_max_s=86_400)
