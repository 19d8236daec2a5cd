"""The labelled clips themselves, each person before each enrolment, through the code that runs at a window."""

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from contract.events import Outcome
from edge_agent.replay import entry_of, replay
from edge_agent.sections.core import Limits
from models.evaluation.collect import frames_of
from models.evaluation.labels import Clip, read_clips
from models.pack import Pack
from models.protocols import Detector
from models.results import Face, Picture
from models.template import from_pictures
from scripts.benchmarks.report import Figure
from scripts.benchmarks.simulation import FLAGGED, PASSED, Progress

FPS = 6.0  # as the agent looks
MOST = 100  # replays; of more pairs so many are drawn
TOLD_EVERY = 20
OWN, OTHERS, NOBODY = "of the enrolled person", "of other people", "without a face"


class OnceDetector:
    """A detector that is asked once for each picture: one clip plays before many enrolled persons."""

    def __init__(self, inner: Detector) -> None:
        self._inner = inner
        self._found: dict[bytes, tuple[Face, ...]] = {}

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """As the detector within."""
        key = sha256(picture.tobytes()).digest()
        if key not in self._found:
            self._found[key] = self._inner.detect(picture)
        return self._found[key]


def measure(pack: Pack, table: Path, limits: Limits, *, seed: int, progress: Progress = lambda _: None) -> list[Figure]:
    """How often clips are called another person's than the enrolled one, by whether they are. A clip is never its own enrolment.

    Raises BadLabels, and SourceError or PictureRefused for a clip that cannot be read or enrolled.
    """
    once = replace(pack, detector=OnceDetector(pack.detector))
    found: dict[str, Counter[Outcome | None]] = {OWN: Counter(), OTHERS: Counter(), NOBODY: Counter()}
    pairs = _pairs(read_clips(table), seed)
    paths = dict.fromkeys(enrolled.path for enrolled, _ in pairs)
    entries = {path: entry_of(path.stem, from_pictures(once, frames_of(path, FPS))) for path in paths}
    for number, (enrolled, seen) in enumerate(pairs):
        entry = entries[enrolled.path]
        judgement = replay(once, seen.path, entry.psn_no, [entry], limits=limits, fps=FPS)
        found[_relation(enrolled, seen)][judgement.decision.outcome if judgement else None] += 1
        if (number + 1) % TOLD_EVERY == 0:
            progress(f"{number + 1} clips replayed")
    return [_figure(relation, outcomes, limits) for relation, outcomes in found.items() if outcomes]


def _pairs(clips: tuple[Clip, ...], seed: int) -> list[tuple[Clip, Clip]]:
    pairs = [(one, other) for one in clips if one.person is not None for other in clips if other is not one]
    if len(pairs) <= MOST:
        return pairs
    return [pairs[at] for at in sorted(np.random.default_rng(seed).choice(len(pairs), MOST, replace=False))]


def _relation(enrolled: Clip, seen: Clip) -> str:
    if seen.person is None:
        return NOBODY
    return OWN if seen.person == enrolled.person else OTHERS


def _figure(relation: str, outcomes: Counter[Outcome | None], limits: Limits) -> Figure:
    flagged, passed = (sum(outcomes[each] for each in group) for group in (FLAGGED, PASSED))
    return Figure(
        name=f"replayed clips {relation} called an impostor's at {limits.different:g}",
        value=flagged,
        unit="clips",
        n=outcomes.total(),
        spread={"held": outcomes.total() - flagged - passed, "passed": passed},
        note=", ".join(f"{outcome or 'not judged'} {count}" for outcome, count in outcomes.most_common()),
    )
