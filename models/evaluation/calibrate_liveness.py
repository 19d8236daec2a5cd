"""Choose the liveness limits of one camera model from a measurement. A small one can only leave more to people."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from models.errors import BadLabels
from models.evaluation.attacks import TRACK, Judged, attack_rates
from models.evaluation.calibrate import LEAST_GAP, STEP, above, below
from models.evaluation.intervals import can_carry, upper_bound
from models.evaluation.labels import BONA_FIDE
from models.evaluation.liveness_limits import bounded
from models.evaluation.rates import Rate, Targets
from models.liveness_track import WINDOW, LivenessLimits, LivenessVerdict, Verdict

LEAST_LIVE = 0.5  # below it the networks themselves call a face shown, however few of the attacks at hand come so high
SETTLED = frozenset({"stream_repeats", "no_sensor_noise", "too_few_shots", "border_around_face"})  # reasons that these limits do not touch
STIFF = frozenset({"motionless", "rigid"})  # why a face whose score is live cannot be judged all the same
NEVER_LIVE, NEVER_ATTACK = 2.0, -1.0


def calibrate_liveness(report: Mapping[str, Any]) -> tuple[LivenessLimits, tuple[Rate, ...]]:
    """The limits for the camera with which the presentations of `report` (attacks) were taken, and the rates measured at them.

    Only clips set a limit where there are any, else pictures. `live` is the lowest limit at which the APCER of every kind is at most the
    target with 95 % confidence, `attack` the highest at which the BPCER is, and at least LEAST_GAP lower. Where there are too few trials
    for that (rule of three), of any kind or of live faces, the limit in force is only moved away from the scores seen, pictures included:
    the band between both is then never narrower than before. What a border about the face, a repeated stream or too few moments decided
    stays decided. The rates were measured on the trials that chose the limits: test them on others.
    Raises BadLabels when the report is of another kind or damaged, or when attacks score so high that no limit keeps them out.
    """
    try:
        if report["kind"] != "attacks":
            raise ValueError(f"a report of {report['kind']}")
        judged = [_presentation(row) for row in report["presentations"]]
        force, targets = bounded(**report["liveness_limits"]), Targets(**report["targets"])
        live = _live(judged, force, targets)
        limits = bounded(live=live, attack=max(0.0, min(_attack(judged, force, targets), round(live - LEAST_GAP, 2))))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadLabels(f"liveness cannot be calibrated from this report ({error!r}); make one with evaluate --attacks") from error
    return limits, attack_rates([replace(one, verdict=_again(one.verdict, limits)) for one in judged], targets)


def _live(judged: Sequence[Judged], force: LivenessLimits, targets: Targets) -> float:
    attacks = [one for one in judged if one.kind != BONA_FIDE]
    trials = [[one for one in _deciding(judged) if one.kind == kind] for kind in {one.kind for one in attacks}]
    if trials and all(can_carry(len(of_kind), targets.apcer) for of_kind in trials):
        fitting = (step / STEP for step in range(round(LEAST_LIVE * STEP), STEP + 1))
        return next((limit for limit in fitting if all(_taken(of_kind, limit) <= targets.apcer for of_kind in trials)), NEVER_LIVE)
    seen = [score for one in attacks if (score := _score(one, "live", live=0.0, attack=NEVER_ATTACK)) is not None]
    return max(force.live, above(max(seen))) if seen else force.live


def _attack(judged: Sequence[Judged], force: LivenessLimits, targets: Targets) -> float:
    trials = [one for one in _deciding(judged) if one.kind == BONA_FIDE]
    if can_carry(len(trials), targets.bpcer):
        fitting = (step / STEP for step in range(round(WINDOW.attack_in_border * STEP), -1, -1))
        return next((limit for limit in fitting if _accused(trials, limit) <= targets.bpcer), 0.0)
    present = (one for one in judged if one.kind == BONA_FIDE)
    seen = [score for one in present if (score := _score(one, "attack", live=NEVER_LIVE, attack=1.0)) is not None]
    return min(force.attack, below(min(seen))) if seen else force.attack


def _deciding(judged: Sequence[Judged]) -> list[Judged]:
    """What was answered at the level that a window judges at, if that was measured."""
    level = TRACK if any(one.level == TRACK for one in judged) else None
    return [one for one in judged if one.verdict is not None and level in (None, one.level)]


def _taken(attacks: Sequence[Judged], live: float) -> float:
    """Up to which share attacks of a kind may be taken for live."""
    return upper_bound(sum(_score(one, "live", live=live, attack=NEVER_ATTACK) is not None for one in attacks), len(attacks))


def _accused(present: Sequence[Judged], attack: float) -> float:
    """Up to which share live faces may be taken for attacks."""
    return upper_bound(sum(_score(one, "attack", live=NEVER_LIVE, attack=attack) is not None for one in present), len(present))


def _score(one: Judged, verdict: Verdict, *, live: float, attack: float) -> float | None:
    """The score of a presentation for which limits like these would give `verdict`; None where they would not."""
    again = _again(one.verdict, replace(WINDOW, live=live, attack=attack))
    return again.score if again is not None and again.verdict == verdict else None


def _again(verdict: LivenessVerdict | None, limits: LivenessLimits) -> LivenessVerdict | None:
    """The verdict under other limits. Whether a face moved and changed is not known unless it was live before; it is taken to have."""
    if verdict is None or verdict.score is None or SETTLED & set(verdict.reasons):
        return verdict
    if verdict.score <= limits.attack:
        return replace(verdict, verdict="attack", reasons=("looks_shown",))
    if verdict.score < limits.live:
        return replace(verdict, verdict="cannot_judge", reasons=("between_limits",))
    return verdict if STIFF & set(verdict.reasons) else replace(verdict, verdict="live", reasons=())


def _presentation(row: Mapping[str, Any]) -> Judged:
    level, kind, verdict, score = str(row["level"]), str(row["kind"]), row["verdict"], row["score"]
    if verdict is None:
        return Judged(level=level, kind=kind, verdict=None)
    if verdict not in get_args(Verdict) or not (score is None or 0 <= score <= 1):
        raise ValueError(f"{verdict} at {score} is no verdict")
    return Judged(level=level, kind=kind, verdict=LivenessVerdict(verdict=verdict, score=score, reasons=tuple(row["reasons"])))
