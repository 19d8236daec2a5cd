"""Choose the bands from a measurement. A small one can only make them stricter."""

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

import numpy as np

from models.errors import BadLabels
from models.evaluation.collect import CLIP, FRAME, FUSED, PICTURE, fused_level
from models.evaluation.identification import PROMISED, promised_fpir
from models.evaluation.intervals import can_carry, upper_bound
from models.evaluation.rates import BandLimits, Rate, Targets, proportion
from models.evaluation.scores import Scores

STEP = 100  # limits are hundredths
LEAST_GAP = 0.05  # however well the scores part, some cases are left to people
MOST_PER_DECADE = 2.0


def calibrate(report: Mapping[str, Any]) -> tuple[BandLimits, tuple[Rate, ...]]:
    """The bands for the networks of `report` (clips or pairs), and the rates measured at them.

    `same` is the lowest limit whose FMR is at most the target with 95 % confidence, `different` the highest whose FNMR is, and at least
    LEAST_GAP lower. Where there are too few trials for that (rule of three) a limit in force is only moved away from the scores seen,
    those of single frames included, never towards them. `min_good_frames` is the least number of fused frames from which on no error
    was seen, not below the one in force. `per_decade` is the upper end by person of what a tenth of the FMR costs; with too few trials it
    is the greatest such end of what is compared one to many, and not below the one in force. `min_strength` lets 95 of 100 usable frames
    count as clear; from pictures, which say nothing of a window's camera, it stays as it is in force.
    The rates were measured on the trials that chose the limits: test them on others. Raises BadLabels when the report is of another kind,
    damaged, or its scores leave no room between the bands.
    """
    try:
        name = {"clips": CLIP, "pairs": PICTURE}[report["kind"]]
        levels = {key: _Scores(value) for key, value in report["levels"].items()}
        force, targets = BandLimits.written(report["limits"]), Targets(**report["targets"])
        same = _same(levels, name, force, targets)
        different = min(_different(levels, name, force, targets), round(same - LEAST_GAP, 2))
        frames = _min_good_frames(levels, same, different, force)
        per_decade = _per_decade(levels, name, force, targets)
        strength = _min_strength(report.get("strengths"), force)
        limits = BandLimits(same=same, different=different, min_good_frames=frames, per_decade=per_decade, min_strength=strength)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadLabels(
            f"the bands cannot be calibrated from this report ({error!r}); make one with evaluate --clips or --pairs, or name the --camera "
            "of one made with --attacks"
        ) from error
    return limits, _promises(levels[name], name, limits, targets)


def above(score: float) -> float:
    """The lowest limit above a score. Hundredths are no binary fractions: 0.29 * 100 lies below 29, so the limit itself is compared."""
    step = floor(score * STEP) + 1
    return step / STEP if step / STEP > score else (step + 1) / STEP


def below(score: float) -> float:
    """The highest limit below a score."""
    step = ceil(score * STEP) - 1
    return step / STEP if step / STEP < score else (step - 1) / STEP


class _Scores:
    """The two kinds of scores of one level of a report."""

    def __init__(self, level: Mapping[str, Any]) -> None:
        self.mated: Scores = np.array(level["mated"], np.float64)
        self.non_mated: Scores = np.array(level["non_mated"], np.float64)
        self.decade: float | None = None if level["tail"] is None else float(level["tail"]["high"])
        if not (np.isfinite(self.mated).all() and np.isfinite(self.non_mated).all()):
            raise ValueError("a score is not finite")
        if self.decade is not None and not 0 <= self.decade <= MOST_PER_DECADE:
            raise ValueError(f"a tail of {self.decade} a decade cannot be")


def _same(levels: Mapping[str, _Scores], name: str, force: BandLimits, targets: Targets) -> float:
    scores = levels[name].non_mated
    if can_carry(len(scores), targets.fmr):
        fitting = (limit / STEP for limit in range(-STEP, STEP + 1))
        return next(limit for limit in fitting if upper_bound(int((scores >= limit).sum()), len(scores)) <= targets.fmr)
    highest = max((float(level.non_mated.max()) for level in levels.values() if len(level.non_mated)), default=-1.0)
    return max(force.same, above(highest))


def _different(levels: Mapping[str, _Scores], name: str, force: BandLimits, targets: Targets) -> float:
    scores = levels[name].mated
    if can_carry(len(scores), targets.accused):
        fitting = (limit / STEP for limit in range(STEP, -STEP - 1, -1))
        return next(limit for limit in fitting if upper_bound(int((scores <= limit).sum()), len(scores)) <= targets.accused)
    lowest = min((float(level.mated.min()) for level in levels.values() if len(level.mated)), default=1.0)
    return min(force.different, below(lowest))


def _per_decade(levels: Mapping[str, _Scores], name: str, force: BandLimits, targets: Targets) -> float:
    main = levels[name]
    if main.decade is not None and can_carry(len(main.non_mated), targets.fmr):
        return _up(main.decade)
    compared = (level.decade for key, level in levels.items() if key != FRAME and level.decade is not None)
    return max(force.per_decade, _up(max(compared, default=0.0)))


def _min_strength(seen: Mapping[str, Any] | None, force: BandLimits) -> float:
    return force.min_strength if seen is None else floor(float(seen["low"]) * STEP) / STEP


def _up(value: float) -> float:
    return ceil(value * STEP) / STEP


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
    alone = [proportion(name, rate, errors, trials, target) for rate, errors, trials, target in counted]
    alarms = ((size, int((non_mated >= limits.among(size)).sum())) for size in PROMISED)
    return (*alone, *(promised_fpir(errors, len(non_mated), limits, size, name, targets.fmr) for size, errors in alarms))
