"""Presentation attack detection in the terms of ISO/IEC 30107-3: every kind of attack for itself, and the worst of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.errors import BadLabels, PictureRefused
from models.evaluation.labels import BONA_FIDE, Presentation
from models.evaluation.rates import Rate, Targets, proportion
from models.picture import read
from models.protocols import Detector
from models.results import Face, Picture


class LivenessScorer(Protocol):
    """Says how live a face looks."""

    @property
    def version(self) -> str:
        """Name and hash of the networks behind it."""
        ...

    def score(self, picture: Picture, face: Face) -> float:
        """0 (an attack) to 1 (live) for `face` in `picture` (height x width x 3, BGR)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """Scores of the presentations of one kind, and how many gave none because no face could be judged."""

    scores: tuple[float, ...]
    none: int


def measure_attacks(detector: Detector, scorer: LivenessScorer, presentations: Sequence[Presentation]) -> dict[str, Responses]:
    """The responses to every kind of presentation, one picture each. Raises BadLabels for a score that is not a number from 0 to 1."""
    found: dict[str, list[float | None]] = {}
    for presentation in presentations:
        found.setdefault(presentation.kind, []).append(_response(detector, scorer, presentation))
    return {
        kind: Responses(scores=tuple(score for score in scores if score is not None), none=scores.count(None))
        for kind, scores in found.items()
    }


def attack_rates(responses: Mapping[str, Responses], live_from: float, targets: Targets) -> tuple[Rate, ...]:
    """APCER of each kind, the worst APCER, BPCER, and the non-response rates, when scores from `live_from` on are taken for live.

    A presentation without a response counts in its non-response rate only. Shares of single pictures, not of fused tracks.
    """
    found = []
    for kind, given in sorted(responses.items()):
        taken_for_live = sum(score >= live_from for score in given.scores)
        total = len(given.scores)
        if kind == BONA_FIDE:
            found.append(proportion("picture", "BPCER", total - taken_for_live, total, targets.bpcer))
            found.append(proportion("picture", "BPNRR", given.none, total + given.none, targets.bpcer))
        else:
            found.append(proportion("picture", f"APCER {kind}", taken_for_live, total, targets.apcer))
            found.append(proportion("picture", f"APNRR {kind}", given.none, total + given.none, targets.apcer))
    kinds = [rate for rate in found if rate.name.startswith("APCER")]
    if kinds:
        worst = max(kinds, key=lambda rate: (rate.errors / rate.trials if rate.trials else 0.0, rate.exact.high))
        found.append(proportion("picture", f"worst APCER ({worst.name[6:]})", worst.errors, worst.trials, targets.apcer))
    return tuple(found)


def _response(detector: Detector, scorer: LivenessScorer, presentation: Presentation) -> float | None:
    try:
        picture = read(presentation.path)
    except PictureRefused as refused:
        raise BadLabels(f"{presentation.path.name} cannot be shown to the networks: {refused}") from refused
    faces = detector.detect(picture)
    if not faces:
        return None
    score = scorer.score(picture, max(faces, key=lambda face: face.box.area))
    if not (np.isfinite(score) and 0 <= score <= 1):
        raise BadLabels(f"the liveness score of {presentation.path.name} is {score}, not a number from 0 to 1")
    return float(score)
