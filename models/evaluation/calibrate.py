"""Choose the three bands from a measurement. A small one can only make them stricter."""

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

import numpy as np

from models.errors import BadLabels
from models.evaluation.collect import CLIP, FUSED, PICTURE, fused_level
from models.evaluation.intervals import can_carry, upper_bound
from models.evaluation.rates import BandLimits, Rate, Targets, proportion
from models.evaluation.scores import Scores

STEP = 100  # limits are hundredths
LEAST_GAP = 0.05  # however well the scores part, some cases are left to people


def calibrate(report: Mapping[str, Any]) -> tuple[BandLimits, tuple[Rate, ...]]:
    """The bands for the networks of `report` (clips or pairs), and the rates measured at them.

    `same` is the lowest limit whose FMR is at most the target with 95 % confidence, `different` the highest whose FNMR is, and at least
    LEAST_GAP lower. Where there are too few trials for that (rule of three) a limit in force is only moved away from the scores seen,
    those of single frames included, never towards them. `min_good_frames` is the least number of fused frames from which on no error
    was seen, not below the one in force.
    The rates were measured on the trials that chose the limits: test them on others. Raises BadLabels when the report is of another kind,
    damaged, or its scores leave no room between the bands.
    """
    try:
        name = {"clips": CLIP, "pairs": PICTURE}[report["kind"]]
        levels = {key: _Scores(value) for key, value in report["levels"].items()}
        force, targets = BandLimits(**report["limits"]), Targets(**report["targets"])
        same = _same(levels, name, force, targets)
        different = min(_different(levels, name, force, targets), round(same - LEAST_GAP, 2))
        frames = _min_good_frames(levels, same, different, force)
        limits = BandLimits(same=same, different=different, min_good_frames=frames)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadLabels(f"this report cannot be calibrated from ({error!r}); make one with evaluate --clips or --pairs") from error
    return limits, _promises(levels[name], name, limits, targets)


class _Scores:
    """The two kinds of scores of one level of a report."""

    def __init__(self, level: Mapping[str, Any]) -> None:
        self.mated: Scores = np.array(level["mated"], np.float64)
        self.non_mated: Scores = np.array(level["non_mated"], np.float64)
        if not (np.isfinite(self.mated).all() and np.isfinite(self.non_mated).all()):
            raise ValueError("a score is not finite")


def _same(levels: Mapping[str, _Scores], name: str, force: BandLimits, targets: Targets) -> float:
    scores = levels[name].non_mated
    if can_carry(len(scores), targets.fmr):
        fitting = (limit / STEP for limit in range(-STEP, STEP + 1))
        return next(limit for limit in fitting if upper_bound(int((scores >= limit).sum()), len(scores)) <= targets.fmr)
    highest = max((float(level.non_mated.max()) for level in levels.values() if len(level.non_mated)), default=-1.0)
    return max(force.same, (floor(highest * STEP) + 1) / STEP)


def _different(levels: Mapping[str, _Scores], name: str, force: BandLimits, targets: Targets) -> float:
    scores = levels[name].mated
    if can_carry(len(scores), targets.accused):
        fitting = (limit / STEP for limit in range(STEP, -STEP - 1, -1))
        return next(limit for limit in fitting if upper_bound(int((scores <= limit).sum()), len(scores)) <= targets.accused)
    lowest = min((float(level.mated.min()) for level in levels.values() if len(level.mated)), default=1.0)
    return min(force.different, (ceil(lowest * STEP) - 1) / STEP)


def _min_good_frames(levels: Mapping[str, _Scores], same: float, different: float, force: BandLimits) -> int:
    seen = [count for count in FUSED if fused_level(count) in levels]
    wrong = [count for count in seen if _errs(levels[fused_level(count)], same, different)]
    clean = [count for count in seen if count > max(wrong, default=0)]
    if seen and not clean:
        raise ValueError(f"even {max(seen)} fused frames are wrong at same={same}, different={different}")
    return max(force.min_good_frames, min(clean, default=1))


def _errs(scores: _Scores, same: float, different: float) -> bool:
    return bool((scores.non_mated >= same).any() or (scores.mated <= different).any())


def _promises(scores: _Scores, name: str, limits: BandLimits, targets: Targets) -> tuple[Rate, ...]:
    mated, non_mated = scores.mated, scores.non_mated
    counted = (
        (f"FMR at same={limits.same:g}", int((non_mated >= limits.same).sum()), len(non_mated), targets.fmr),
        (f"FNMR at same={limits.same:g}", int((mated < limits.same).sum()), len(mated), targets.fnmr),
        (f"FNMR at different={limits.different:g}", int((mated <= limits.different).sum()), len(mated), targets.accused),
        (f"FMR at different={limits.different:g}", int((non_mated > limits.different).sum()), len(non_mated), targets.missed),
    )
    return tuple(proportion(name, rate, errors, trials, target) for rate, errors, trials, target in counted)
