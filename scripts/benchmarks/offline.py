"""A month without a line: every settlement through the agent's own books on an encrypted disk in simulated time, then everything goes out.

What is seen comes from the labelled clips, judged by the code that runs at a window, so that embeddings, portraits and scenes have the
size that they have there; each is sealed anew for each settlement.
"""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from contract.events import Closing
from edge_agent.agent import SCENE_SIDE
from edge_agent.chain.books import Books
from edge_agent.chain.capture import Closed
from edge_agent.chain.register import Register
from edge_agent.judging.judge import Judgement
from edge_agent.replay import FrameClock, frames, replay
from edge_agent.sections.core import Limits
from edge_agent.session import Bind, Start
from edge_agent.till import texts
from edge_agent.window.eyes import shrink
from models import files
from models.evaluation.labels import read_clips
from models.fetch import fetch
from models.pack import load_pack
from models.results import Picture
from scripts.benchmarks import clips
from scripts.benchmarks.drain import HOLD_MS, counting_broker, drained
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.line import enrolled
from scripts.benchmarks.report import Figure
from scripts.benchmarks.sending import SITE, WINDOW, SendingHalf, sending_half
from scripts.stack import Stack

OPENS_H, OPEN_H = 8, 12
FPS = 6.0
SCENES = 0.1  # share of settlements whose picture is the whole scene, because no face was there or usable; it is several times larger
DISK_MB = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What a window saw of a settlement."""

    judgement: Judgement
    scene: Picture


class Calendar(FrameClock):
    """Time that is set, from the first morning of the month on."""

    def __init__(self) -> None:
        super().__init__()
        self._first = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """Wall time, UTC."""
        return self._first + timedelta(seconds=self.mono_s())


def measure(folder: Path, days: int, a_day: int, seed: int) -> list[Figure]:
    """So many days of so many settlements without a line, and then the line. Raises CannotMeasure when anything comes wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    with_face, without = _seen()
    dice = random.Random(seed)  # noqa: S311 - to be repeated, no secret
    with TemporaryDirectory(dir=folder) as place:
        stack, calendar = Stack(Path(place) / "stack", SITE, {WINDOW: "none.mkv"}), Calendar()
        with sending_half(stack, clock=calendar) as half:
            books = _books(half)
            for number in range(days * a_day):
                day, of_day = divmod(number, a_day)
                calendar.set(day * 86_400 + (OPENS_H + OPEN_H * of_day / a_day) * 3600)
                settle(half, books, calendar, number, dice.choice(without if dice.random() < SCENES else with_face))
            size, backlog, sizes = _disk(half), half.outbox.backlog(), _picture_sizes(half)
            with counting_broker(stack) as counted:
                taken = drained(half, lambda: half.outbox.media_after(0) is not None)
                half.link.stop()
        found = counted()
    wanted = (backlog.last_seq, len(sizes))
    if found["faults"] or (found["events"], found["pictures"]) != wanted or len(sizes) != days * a_day:
        raise CannotMeasure(f"{days * a_day} settlements wrote (events, pictures) {wanted}; the broker saw {found}")
    return _figures(days, a_day, size, sizes, taken, found["most_unacknowledged"], half.settings.link.send_window)


def settle(half: SendingHalf, books: Books, calendar: Calendar, number: int, seen: Seen) -> None:
    """One settlement from card to capture; one commit for all of it, where a window makes three."""
    at, decision = calendar.now(), seen.judgement.decision
    start = Start(msgid=f"M{number:06}", infno="2102", psn_no=f"PSN-{number:06}", mdtrt_cert_type="03", window=WINDOW)
    settlement = f"S{number:06}"
    with half.vault.transaction():
        books.open(start, texts.answer(decision), at)
        books.bind(Bind(msgid=start.msgid, setl_id=settlement, mdtrt_id=f"V{number:06}", setl_time=at, medfee_sumamt=Decimal("38.50")))
        books.close(
            Closed(
                start=start,
                opened_at=at,
                closed_at=at + timedelta(seconds=20),
                closing=Closing.BOUND,
                decision=decision,
                judgement=seen.judgement,
                scene=seen.scene,
            )
        )


def _seen() -> tuple[list[Seen], list[Seen]]:
    """What the labelled clips give: settlements with a portrait and settlements without. Raises CannotMeasure without the clips."""
    fetch("window", files.default_folder())
    pack, folder = load_pack(), clips.default_folder()
    people = enrolled(pack, clips.read(folder))
    with_face, without = list[Seen](), list[Seen]()
    for clip in read_clips(folder / "labels.csv"):
        judgement = replay(pack, clip.path, clip.person or people[0].psn_no, people, limits=Limits(), fps=FPS)
        if judgement is not None:
            seen = Seen(judgement=judgement, scene=shrink(next(frames(clip.path))[1], SCENE_SIDE))
            (without if judgement.portrait is None else with_face).append(seen)
    if not with_face or not without:
        raise CannotMeasure(f"the clips in {folder} give {len(with_face)} portraits and {len(without)} scenes; both are needed")
    return with_face, without


def _books(half: SendingHalf) -> Books:
    media_bytes = half.settings.link.max_media_mb * 2**20
    return Books(vault=half.vault, outbox=half.outbox, register=Register(half.vault), scribe=half.scribe, media_bytes=media_bytes)


def _disk(half: SendingHalf) -> float:
    return sum(path.stat().st_size for path in half.data.iterdir()) / 1e6


def _picture_sizes(half: SendingHalf) -> list[int]:
    with half.vault.transaction() as db:
        return [row[0] for row in db.execute("SELECT length(sealed) FROM media")]


def _figures(days: int, a_day: int, size: float, sizes: Sequence[int], taken: float, most: int, window: int) -> list[Figure]:
    captures, of_goal = days * a_day, days * a_day / 9000
    ranked = sorted(sizes)
    pictures = {"median": statistics.median(ranked) / 1e3, "p95": ranked[int(0.95 * len(ranked))] / 1e3, "max": ranked[-1] / 1e3}
    return [
        Figure(
            name=f"disk after {days} days without a line",
            value=size,
            unit="MB",
            n=captures,
            goal="R6",
            at_most=DISK_MB * max(1.0, of_goal),
            note=f"{a_day} captures a day, each with a picture and a binding; everything in the agent's data folder, nothing left out",
        ),
        Figure(
            name="sealed picture",
            value=statistics.fmean(sizes) / 1e3,
            unit="kB mean",
            n=len(sizes),
            spread=pictures,
            note=f"portraits and scenes of the labelled clips; {SCENES:.0%} are scenes",
        ),
        Figure(
            name="complete upload afterwards",
            value=taken,
            unit="s",
            n=captures,
            goal="R6",
            spread={"MB/s": sum(sizes) / 1e6 / taken},
            note=f"every event in its chain and every picture whole at the broker, which holds acknowledgements back for {HOLD_MS} ms; "
            "until the outbox is empty",
        ),
        Figure(name="most messages un-acknowledged", value=most, unit="messages", n=1, goal="P6", at_most=window),
    ]
