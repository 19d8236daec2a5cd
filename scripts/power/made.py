"""What a made terminal is and says: its names, its clock, and a scribe that encloses arbitrary bytes."""

from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.events import Closing, EvidenceMode, MediaRef, MediaRole, Outcome, Software
from contract.media import media_id
from contract.sealed import Signer
from edge_agent.chain.capture import Closed, Enclosed, Scribe
from edge_agent.clock import Offset
from edge_agent.decide import Decision
from edge_agent.session import Start
from edge_agent.till import texts

DEVICE, SITE, WINDOW = "P99999900001-t1", "P99999900001", "W1"
SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(b"power-loss signer, never trusted"[:32]))
SOFTWARE = Software(agent="0", detector="none", embedder="none", limits_sha256="0" * 64, settings_sha256="0" * 64)
DECISION = Decision(outcome=Outcome.UNDECIDED, reasons=())
ANSWER = texts.answer(DECISION)


class Clock:
    """Time that the schedule sets."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 1, 2, tzinfo=UTC)

    def now(self) -> datetime:
        """Wall time; each look takes a millisecond."""
        self.wall += timedelta(milliseconds=1)
        return self.wall

    def set_back(self, seconds: int) -> None:
        """As after an empty battery."""
        self.wall -= timedelta(seconds=seconds)

    def mono_s(self) -> float:
        """Only differences matter."""
        return self.wall.timestamp()


class PictureScribe(Scribe):
    """Encloses arbitrary bytes: what a picture shows does not matter to the disk."""

    pictures: tuple[bytes, ...] = ()

    def enclose(self, closed: Closed) -> Enclosed:  # noqa: ARG002
        """The pictures that the schedule chose."""
        refs = [MediaRef(media_id=media_id(each), role=MediaRole.BEST, content_type="image/jpeg", size=len(each)) for each in self.pictures]
        return Enclosed(refs=tuple(refs), media=self.pictures)


def new_scribe(clock: Clock) -> PictureScribe:
    """Writes and signs this terminal's events."""
    return PictureScribe(
        signer=SIGNER,
        device=DEVICE,
        fixmedins_code=SITE,
        centre_seal_key=bytes(32),
        mode=EvidenceMode.ALL,
        software=SOFTWARE,
        clock=clock,
        offset=Offset(),
    )


def closed(start: Start, at: datetime) -> Closed:
    """A session that ended, whatever was seen."""
    return Closed(start=start, opened_at=at, closed_at=at, closing=Closing.BOUND, decision=DECISION, judgement=None, scene=None)
