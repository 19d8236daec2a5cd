"""One evaluation from a table of labels to a report."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import WeightsMissing
from models.evaluation.attacks import Judged, attack_rates, measure_attacks
from models.evaluation.collect import measure_clips, measure_pairs
from models.evaluation.identification import identification_rates
from models.evaluation.intervals import draws
from models.evaluation.labels import read_attacks, read_clips, read_pairs
from models.evaluation.rates import BandLimits, Targets, rates
from models.evaluation.report import Subject, document
from models.evaluation.scores import Measured
from models.liveness_track import LivenessLimits
from models.pack import LIVENESS_PACK, Pack


def evaluate_clips(pack: Pack, table: Path, limits: BandLimits, *, fps: float, targets: Targets | None = None) -> Any:
    """The report on labelled clips, looked at `fps` times a second. Raises BadLabels."""
    measured = measure_clips(pack, read_clips(table), fps=fps, min_good_frames=limits.min_good_frames)
    return _comparison_report("clips", pack, table, limits, measured, targets or Targets())


def evaluate_pairs(pack: Pack, table: Path, limits: BandLimits, *, targets: Targets | None = None) -> Any:
    """The report on labelled pairs of pictures. Raises BadLabels."""
    return _comparison_report("pairs", pack, table, limits, measure_pairs(pack, read_pairs(table)), targets or Targets())


def evaluate_attacks(pack: Pack, table: Path, limits: LivenessLimits, *, fps: float, targets: Targets | None = None) -> Any:
    """The report on presentations by pictures and clips, clips looked at `fps` times a second, judged by `limits`.

    Raises BadLabels, and WeightsMissing where the pack has no liveness networks: what was not evaluated has no rate.
    """
    if pack.liveness is None:
        raise WeightsMissing(f"liveness was not evaluated: its networks are not there; python -m models fetch --pack {LIVENESS_PACK}")
    targets = targets or Targets()
    judged = measure_attacks(pack.detector, pack.liveness, read_attacks(table), limits, fps=fps)
    subject = Subject(
        kind="attacks",
        labels=table,
        made_at=datetime.now(UTC),
        version=pack.liveness.version,
        hashes=pack.hashes,
        limits=None,
        targets=targets,
        people=0,
        counts=Counter(f"{one.kind} ({one.level})" for one in judged),
    )
    return document(subject, attack_rates(judged, targets)) | {
        "liveness_limits": {"live": limits.live, "attack": limits.attack},
        "presentations": [_presentation(one) for one in judged],
    }


def _presentation(judged: Judged) -> dict[str, Any]:
    """What was judged, without the name of its file."""
    verdict = judged.verdict
    if verdict is None:
        return {"level": judged.level, "kind": judged.kind, "verdict": None, "score": None, "reasons": []}
    return {
        "level": judged.level,
        "kind": judged.kind,
        "verdict": verdict.verdict,
        "score": verdict.score,
        "reasons": list(verdict.reasons),
    }


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
    drawn = draws(measured.people) if measured.people else np.empty((0, 0))
    searches = [rate for search in measured.searches for rate in identification_rates(search, limits, targets, drawn)]
    return document(subject, rates(measured, limits, targets), measured.levels, searches, measured.strengths)
