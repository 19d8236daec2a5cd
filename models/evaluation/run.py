"""One evaluation from a table of labels to a report."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import WeightsMissing
from models.evaluation.attacks import attack_rates, measure_attacks
from models.evaluation.collect import measure_clips, measure_pairs
from models.evaluation.labels import read_attacks, read_clips, read_pairs
from models.evaluation.rates import BandLimits, Targets, rates
from models.evaluation.report import Subject, document
from models.evaluation.scores import Measured
from models.liveness import crops
from models.pack import LIVENESS_PACK, Pack
from models.protocols import LivenessNet
from models.results import Face, Picture


class NetScorer:
    """Scores single pictures with the liveness networks of a pack."""

    def __init__(self, net: LivenessNet) -> None:
        self._net = net

    @property
    def version(self) -> str:
        """That of the networks."""
        return self._net.version

    def score(self, picture: Picture, face: Face) -> float:
        """How live `face` looks in `picture`, 0 to 1. Raises ModelError when a network fails."""
        return float(self._net.score(crops(picture, face.box)[np.newaxis])[0])


def evaluate_clips(pack: Pack, table: Path, limits: BandLimits, *, fps: float, targets: Targets | None = None) -> Any:
    """The report on labelled clips, looked at `fps` times a second. Raises BadLabels."""
    measured = measure_clips(pack, read_clips(table), fps=fps, min_good_frames=limits.min_good_frames)
    return _comparison_report("clips", pack, table, limits, measured, targets or Targets())


def evaluate_pairs(pack: Pack, table: Path, limits: BandLimits, *, targets: Targets | None = None) -> Any:
    """The report on labelled pairs of pictures. Raises BadLabels."""
    return _comparison_report("pairs", pack, table, limits, measure_pairs(pack, read_pairs(table)), targets or Targets())


def evaluate_attacks(pack: Pack, table: Path, limits: BandLimits, *, live_from: float = 0.5, targets: Targets | None = None) -> Any:
    """The report on presentations, a picture each; scores from `live_from` on count as live.

    Raises BadLabels, and WeightsMissing where the pack has no liveness networks: what was not evaluated has no rate.
    """
    if pack.liveness is None:
        raise WeightsMissing(f"liveness was not evaluated: its networks are not there; python -m models fetch --pack {LIVENESS_PACK}")
    targets = targets or Targets()
    responses = measure_attacks(pack.detector, NetScorer(pack.liveness), read_attacks(table))
    subject = Subject(
        kind="attacks",
        labels=table,
        made_at=datetime.now(UTC),
        version=pack.liveness.version,
        hashes=pack.hashes,
        limits=limits,
        targets=targets,
        people=0,
        counts={kind: len(given.scores) + given.none for kind, given in responses.items()},
    )
    scores = {kind: np.array(given.scores) for kind, given in responses.items()}
    return document(subject, attack_rates(responses, live_from, targets), histograms=scores) | {"live_from": live_from}


def _comparison_report(kind: str, pack: Pack, table: Path, limits: BandLimits, measured: Measured, targets: Targets) -> Any:
    subject = Subject(
        kind=kind,
        labels=table,
        made_at=datetime.now(UTC),
        version=pack.embedder.version,
        hashes=pack.hashes,
        limits=limits,
        targets=targets,
        people=measured.people,
        counts=measured.counts,
    )
    return document(subject, rates(measured, limits, targets), measured.levels)
