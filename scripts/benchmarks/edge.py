"""The window's line on real frames: a frame's way to its signed verdict, what each step takes, and beside it other libraries."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from edge_agent.judging.judge import Judgement
from edge_agent.window.track import FIRST_SLOT_S, MAX_SHOTS
from models import files
from models.fetch import fetch
from models.pack import Pack, load_pack
from models.results import Picture
from scripts.benchmarks import clips
from scripts.benchmarks.agent_process import measure_process
from scripts.benchmarks.clips import Clip
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.line import Line, enrolled, new_line
from scripts.benchmarks.parts import measure_parts
from scripts.benchmarks.peers import Progress, measure_peers
from scripts.benchmarks.report import Figure, timed

LINE_MS = 60.0
WARM_UP = 10
SLOT_FRAMES = 3  # of which the best is kept
WAITING = 9_000  # captures: 30 days of 300
PASSES = 2  # over all clips: more than 500 frames with one judged face


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one frame became a verdict: seconds in all, seconds by step, how many faces were found, and what was judged."""

    seconds: float
    steps: dict[str, float]
    faces: int
    judgement: Judgement

    @property
    def judged(self) -> bool:
        """Whether one face was embedded and compared, so that every step was walked."""
        return bool(self.judgement.evidence.people) and self.judgement.evidence.people[0].used == 1

    def split(self) -> dict[str, float]:
        """The same seconds, each counted once, in the order in which they pass."""
        step = self.steps
        return {
            "find faces": step["detect"],
            "judge quality, cut liveness crops, compare background": step["look"] - step["detect"],
            "follow": step["observe"],
            "embed": step["embed"],
            "score liveness": step.get("liveness", 0.0),
            "compare and decide": step["end"] - step["embed"] - step.get("liveness", 0.0) - step["books"],
            "code and seal the picture": step["seal"],
            "sign": step["sign"],
            "commit": step["books"] - step["seal"] - step["sign"],
        }


def measure(folder: Path, *, peers: bool, progress: Progress) -> list[Figure]:
    """Everything about a window. What cannot be measured is said and left out. `folder` is for vaults and for a peer's environment."""
    for name in ("window", "demo"):
        fetch(name, files.default_folder(), progress=progress)
    on_frames = _if_possible(partial(_on_frames, folder, peers, progress), progress)
    progress("the agent as a process: start, answers, memory, a minute of idling; four minutes in all")
    return [*on_frames, *_if_possible(partial(_process, folder), progress)]


def _on_frames(folder: Path, peers: bool, progress: Progress) -> list[Figure]:
    pack, found = load_pack(), clips.read(clips.default_folder())
    progress(f"one settlement for each of {sum(len(clip.frames) for clip in found)} frames, {PASSES} times")
    line = line_figures(pack, found, folder)
    beside = _if_possible(partial(measure_peers, pack, found, line[0], folder, progress), progress) if peers else []
    return [*line, *measure_parts(pack, found), *beside]


def _process(folder: Path) -> list[Figure]:
    with TemporaryDirectory(dir=folder) as place:
        return measure_process(Path(place))


def _if_possible(work: Callable[[], list[Figure]], progress: Progress) -> list[Figure]:
    try:
        return work()
    except CannotMeasure as error:
        progress(f"not measured: {error}")
        return []


def one_frame(line: Line, picture: Picture, psn_no: str) -> Verdict:
    """A settlement that sees one frame. The clock runs from the frame handed in to the capture committed."""
    line.begin(psn_no)
    line.steps.taken()
    begun = time.perf_counter()
    sight = line.see(picture)
    judgement = line.end()
    seconds = time.perf_counter() - begun
    return Verdict(seconds=seconds, steps=line.steps.taken(), faces=len(sight.shots), judgement=judgement)


def line_figures(pack: Pack, found: Sequence[Clip], folder: Path, passes: int = PASSES, waiting: int = WAITING) -> list[Figure]:
    """Goal P1: the 95 % point over every frame with one face, and where the time goes; then frames with more faces, a session as full as it
    gets, and the line after so many captures that could not be sent.
    """
    with new_line(pack, folder, enrolled(pack, found)) as line:
        for picture in found[0].frames[:WARM_UP]:
            one_frame(line, picture, found[0].person)
        everything = [one_frame(line, picture, clip.person) for _ in range(passes) for clip in found for picture in clip.frames]
        full = [seconds for clip in found if (seconds := full_session(line, clip)) is not None]
        line.pile_up(waiting)
        late = [one_frame(line, picture, found[0].person) for picture in found[0].frames]
    judged, late = ([verdict for verdict in tried if verdict.judged] for tried in (everything, late))
    alone, beside = ([verdict for verdict in judged if (verdict.faces == 1) is one] for one in (True, False))
    return [
        _to_verdict("frame to signed verdict, durable", alone, _line_note(pack, everything, judged)),
        *_steps(alone),
        *([timed("the same with more faces in the picture", [verdict.seconds for verdict in beside])] if beside else []),
        _to_verdict(f"the same with {waiting} captures waiting", late, "a month without the centre, each capture with its sealed picture"),
        *([timed(f"closing a session of {MAX_SHOTS} best shots", full)] if full else []),
    ]


def _to_verdict(name: str, verdicts: Sequence[Verdict], note: str) -> Figure:
    if not verdicts:
        raise CannotMeasure("none of the frames gave one judged face")
    return timed(name, [verdict.seconds for verdict in verdicts], goal="P1", at_most_ms=LINE_MS, note=note)


def _steps(verdicts: Sequence[Verdict]) -> list[Figure]:
    split = [verdict.split() for verdict in verdicts]
    return [timed(f"  of it: {name}", [parts[name] for parts in split]) for name in split[0]]


def full_session(line: Line, clip: Clip) -> float | None:
    """Seconds to close a session with as many best shots as are kept; None where the clip does not give so many."""
    line.begin(clip.person)
    for picture in clip.frames[: SLOT_FRAMES * (MAX_SHOTS - 1) + 1]:  # they touch exactly as many slots as shots are kept
        line.see(picture, FIRST_SLOT_S / SLOT_FRAMES)
    begun = time.perf_counter()
    judgement = line.end()
    seconds = time.perf_counter() - begun
    return seconds if judgement.evidence.people and judgement.evidence.people[0].used == MAX_SHOTS else None


def _line_note(pack: Pack, tried: Sequence[Verdict], judged: Sequence[Verdict]) -> str:
    outcomes = Counter(str(verdict.judgement.decision.outcome) for verdict in judged)
    told = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
    liveness = "with liveness" if pack.liveness is not None else "liveness NOT evaluated: its weights are missing"
    return f"{len(judged)} of {len(tried)} settlements of one frame gave one judged face; {liveness}; outcomes: {told}"
