"""Write events: what was decided, with no more of the person than the evidence mode lets out of the window."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np

from contract import events, sealed
from contract.checkpoints import Checkpoint
from contract.events import Closing, EvidenceMode, FrameCounts, Liveness, MediaRef, MediaRole, Outcome, Software
from contract.media import media_id
from edge_agent.camera.coverage import HOUR, Hour
from edge_agent.chain.outbox import Place
from edge_agent.clock import Clock, Offset
from edge_agent.decide import EXEMPT, Decision
from edge_agent.film.film import jpeg
from edge_agent.judging.judge import Judgement
from edge_agent.ports import Signing
from edge_agent.session import Bind, ByHand, Start, Void
from models.results import Picture, Vector

JPEG_QUALITY = 88
PLAIN = frozenset({Outcome.SAME, Outcome.MANUAL_VERIFIED, Outcome.PROXY})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Closed:
    """A session that ended, as it will be told."""

    start: Start
    opened_at: datetime
    closed_at: datetime
    closing: Closing
    decision: Decision
    judgement: Judgement | None
    scene: Picture | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """What goes with a capture: sealed pictures with their names, and the sealed embedding as text."""

    refs: tuple[MediaRef, ...] = ()
    media: tuple[bytes, ...] = ()
    embedding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Film of a settlement or a window as the centre is told of it; see `contract.events.Footage`."""

    request: str | None = None
    window: str | None = None
    msgid: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    persons: int | None = None
    blurred: bool = False
    refs: tuple[MediaRef, ...] = ()
    missing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of a command; see `contract.events.Result`."""

    result: Literal["in_force", "refused", "rolled_back", "revoked"]
    why: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """New public keys, raw; see `contract.events.KeyOffer`."""

    sign_public: bytes
    seal_public: bytes
    csr: bytes
    proof: bytes


class Scribe:
    """Writes and signs this device's events and seals what goes with them. Keeps nothing."""

    def __init__(
        self,
        *,
        signer: Signing,
        device: str,
        fixmedins_code: str,
        centre_seal_key: bytes,
        mode: EvidenceMode,
        software: Software,
        clock: Clock,
        offset: Offset,
    ) -> None:
        self._signer = signer
        self._device = device
        self._fixmedins_code = fixmedins_code
        self._centre = centre_seal_key
        self._mode = mode
        self._software = software
        self._clock = clock
        self._offset = offset

    def enclose(self, closed: Closed) -> Enclosed:
        """Seal to the centre what the evidence mode lets out of the window; nothing of a person whose face is not used."""
        judgement = closed.judgement
        if judgement is None or EXEMPT in closed.decision.reasons or not self.leaves(closed.decision.outcome):
            return Enclosed()
        picture, role = (closed.scene, MediaRole.SCENE) if judgement.portrait is None else (judgement.portrait, MediaRole.BEST)
        embedding = None if judgement.vector is None else self._sealed_vector(judgement.vector, closed.start.msgid)
        if picture is None:
            return Enclosed(embedding=embedding)
        ref, item = self.seal(jpeg(picture, JPEG_QUALITY), role)
        return Enclosed(refs=(ref,), media=(item,), embedding=embedding)

    def seal(self, plain: bytes, role: MediaRole) -> tuple[MediaRef, bytes]:
        """A picture (JPEG) or clip (WebM) as only the centre can open it, and how an event names it."""
        item = sealed.seal(plain, self._centre, sealed.picture_purpose(self._device))
        content_type: Literal["image/jpeg", "video/webm"] = "video/webm" if role is MediaRole.CLIP else "image/jpeg"
        return MediaRef(media_id=media_id(item), role=role, content_type=content_type, size=len(item)), item

    def capture(self, closed: Closed, enclosed: Enclosed, place: Place, remarks: tuple[str, ...] = ()) -> bytes:
        """The signed capture at this place of the chain; `remarks` join the reasons."""
        evidence = None if closed.judgement is None else closed.judgement.evidence
        person = closed.decision.person
        return self._signer.sign(
            events.Capture(
                **self._stamp(place),
                fixmedins_code=self._fixmedins_code,
                **closed.start.model_dump(),
                opened_at=closed.opened_at,
                closed_at=closed.closed_at,
                closing=closed.closing,
                outcome=closed.decision.outcome,
                reasons=closed.decision.reasons + remarks,
                similarity=None if closed.judgement is None else closed.judgement.similarity,
                liveness=Liveness.NOT_EVALUATED if person is None else person.liveness,
                persons=0 if evidence is None else evidence.persons,
                frames=FrameCounts(seen=0, with_subject=0, used=0) if evidence is None else evidence.frames,
                evidence_mode=self._mode,
                embedding=enclosed.embedding,
                media=enclosed.refs,
            )
        )

    def binding(self, bind: Bind, place: Place) -> bytes:
        """The signed binding at this place of the chain."""
        return self._signer.sign(
            events.Binding(
                **self._stamp(place),
                msgid=bind.msgid,
                setl_id=bind.setl_id,
                mdtrt_id=bind.mdtrt_id,
                setl_time=bind.setl_time,
                medfee_sumamt=f"{bind.medfee_sumamt:.2f}",
                auth_no=bind.auth_no,
                out_biz_no=bind.out_biz_no,
            )
        )

    def by_hand(self, check: ByHand, place: Place) -> bytes:
        """The signed word of a clerk at this place of the chain."""
        return self._signer.sign(events.ManualCheck(**self._stamp(place), **check.model_dump()))

    def void(self, void: Void, msgid: str | None, place: Place) -> bytes:
        """The signed void at this place of the chain."""
        return self._signer.sign(events.Void(**self._stamp(place), setl_id=void.setl_id, msgid=msgid))

    def thinning(self, names: tuple[str, ...], why: str, place: Place) -> bytes:
        """The signed word at this place of the chain that these sealed objects were given up."""
        return self._signer.sign(events.Thinning(**self._stamp(place), media=names, why=why))

    def footage(self, shown: Shown, place: Place) -> bytes:
        """The signed word at this place of the chain about film that goes with it, or why none does."""
        return self._signer.sign(
            events.Footage(
                **self._stamp(place),
                request=shown.request,
                window=shown.window,
                msgid=shown.msgid,
                since=shown.since,
                until=shown.until,
                persons=shown.persons,
                blurred=shown.blurred,
                media=shown.refs,
                missing=shown.missing,
            )
        )

    def coverage(self, hours: Sequence[Hour], log: Checkpoint | None, place: Place) -> bytes:
        """The signed word at this place of the chain on how much was seen, and on the newest checkpoint of the centre's log."""
        now = self._clock.now()
        told = tuple(
            events.Watched(
                window=hour.window,
                since=hour.since,
                until=max(hour.since, min(hour.since + HOUR, now)),
                seen_s=round(hour.seen_s, 1),
                blind=tuple(events.Blind(cause=cause, seconds=round(seconds, 1)) for cause, seconds in hour.blind_s.items()),
                people=None if hour.people is None else events.Headcount(**asdict(hour.people)),
            )
            for hour in hours
        )
        seen = None if log is None else events.LogSeen(size=log.size, root=log.root.hex())
        return self._signer.sign(events.Coverage(**self._stamp(place), hours=told, log=seen))

    def log_split(self, held: str, shown: str, why: str, place: Place) -> bytes:
        """The signed word at this place of the chain that the centre's log showed two checkpoints which cannot both be true."""
        return self._signer.sign(events.LogSplit(**self._stamp(place), held=held, shown=shown, why=why))

    def result(self, request: str, told: Told, place: Place) -> bytes:
        """The signed word at this place of the chain on what became of a command."""
        return self._signer.sign(events.Result(**self._stamp(place), request=request, result=told.result, why=told.why, detail=told.detail))

    def key_offer(self, offer: Offer, request: str | None, place: Place) -> bytes:
        """The signed word at this place of the chain that this device offers these keys."""
        texts = {name: sealed.to_text(getattr(offer, name)) for name in Offer.__dataclass_fields__}
        return self._signer.sign(events.KeyOffer.model_validate(self._stamp(place) | texts | {"request": request}))

    def key_in_use(self, kid: str, before: str, place: Place) -> bytes:
        """The signed word at this place of the chain that the key which signs it has replaced the one before."""
        return self._signer.sign(events.KeyInUse(**self._stamp(place), kid=kid, before=before))

    def leaves(self, outcome: Outcome) -> bool:
        """Whether pictures of a settlement with this outcome may leave the window."""
        return self._mode is EvidenceMode.ALL or (self._mode is EvidenceMode.FLAGGED_ONLY and outcome not in PLAIN)

    def _sealed_vector(self, vector: Vector, msgid: str) -> str:
        plain = np.asarray(vector, "<f4").tobytes()
        return sealed.to_text(sealed.seal(plain, self._centre, sealed.embedding_purpose(self._device, msgid)))

    def _stamp(self, place: Place) -> dict[str, Any]:
        return {
            "device": self._device,
            "epoch": place.epoch,
            "seq": place.seq,
            "prev": place.prev,
            "at": self._clock.now(),
            "mono_ns": int(self._clock.mono_s() * 1e9),
            "clock_offset_ms": self._offset.ms,
            "software": self._software,
        }
