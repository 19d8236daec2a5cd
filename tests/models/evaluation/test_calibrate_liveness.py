"""Limits of one camera model from presentations whose scores are known."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadLabels
from models.evaluation.attacks import PICTURE, TRACK
from models.evaluation.calibrate_liveness import LEAST_LIVE, calibrate_liveness
from models.liveness_track import WINDOW

FORCE = (WINDOW.live, WINDOW.attack)
Row = dict[str, Any]
scores = st.lists(st.floats(0, 1), max_size=25)


def row(kind: str, score: float | None, verdict: str = "cannot_judge", *reasons: str, level: str = TRACK) -> Row:
    return {"level": level, "kind": kind, "verdict": verdict, "score": score, "reasons": list(reasons)}


def rows(kind: str, values: list[float], level: str = TRACK) -> list[Row]:
    return [row(kind, value, level=level) for value in values]


def report(*presentations: list[Row], **change: Any) -> dict[str, Any]:
    return {
        "kind": "attacks",
        "presentations": [one for part in presentations for one in part],
        "liveness_limits": {"live": WINDOW.live, "attack": WINDOW.attack},
        "targets": {},
        **change,
    }


def chosen(*presentations: list[Row]) -> tuple[float, float]:
    limits, _ = calibrate_liveness(report(*presentations))
    return limits.live, limits.attack


def test_few_trials_leave_the_limits_where_they_are() -> None:
    assert chosen(rows("live", [0.95] * 99), rows("print", [0.05] * 299)) == FORCE
    assert chosen() == FORCE


def test_few_trials_make_room_for_the_scores_that_were_seen() -> None:
    assert chosen(rows("live", [0.95, 0.2]), rows("print", [0.1, 0.81])) == (0.82, 0.19)


@given(live=scores, attacks=scores, pictures=scores)
def test_few_trials_never_narrow_the_band(live: list[float], attacks: list[float], pictures: list[float]) -> None:
    try:
        found = chosen(rows("live", live), rows("print", attacks), rows("print", pictures, PICTURE))
    except BadLabels:
        assert max(attacks + pictures) >= 0.9
        return
    assert found[0] >= FORCE[0] and found[1] <= FORCE[1]
    assert all(score < found[0] for score in attacks + pictures)
    assert all(score > found[1] for score in live) or found[1] == 0


@pytest.mark.parametrize("score", [step / 100 for step in range(1, 90)])
def test_a_score_on_a_hundredth_lies_beyond_the_limit_and_not_on_it(score: float) -> None:
    live, attack = chosen(rows("live", [score]), rows("print", [score]))
    assert attack < score < live
    assert (attack == FORCE[1] or score - attack < 0.011) and (live == FORCE[0] or live - score < 0.011)


def test_enough_trials_set_the_limits_that_reach_the_targets() -> None:
    random = np.random.default_rng(3)
    limits, promises = calibrate_liveness(
        report(
            rows("live", np.clip(random.normal(0.95, 0.03, 2000), 0, 1).tolist()),
            rows("print", np.clip(random.normal(0.3, 0.1, 2000), 0, 1).tolist()),
            rows("screen", np.clip(random.normal(0.35, 0.1, 2000), 0, 1).tolist()),
        )
    )
    assert limits.live == pytest.approx(0.35 + 2.5 * 0.1, abs=0.03)
    assert limits.attack == pytest.approx(limits.live - 0.05)
    said = {promise.name: promise.statement for promise in promises}
    assert said["worst APCER (screen)"] == said["APCER print"] == "at most 0.01 holds"
    assert said["BPCER"] == "at most 0.03 holds"


def test_one_kind_with_few_trials_keeps_the_limit_of_all() -> None:
    attacks = [*rows("print", [0.1] * 3000), *rows("mask", [0.1] * 10)]
    assert chosen(rows("live", [0.95] * 10), attacks) == FORCE
    assert chosen(rows("live", [0.95] * 10), attacks[:3000]) == (LEAST_LIVE, WINDOW.attack)


def test_pictures_do_not_set_the_limits_of_clips() -> None:
    many = rows("print", [0.1] * 3000, PICTURE)
    assert chosen(many, rows("print", [0.1] * 5)) == FORCE
    assert chosen(many)[0] == LEAST_LIVE


def test_what_other_signs_decided_moves_no_limit() -> None:
    settled = [
        row("screen", 0.95, "attack", "stream_repeats"),
        row("screen", 0.85, "cannot_judge", "between_limits", "border_around_face"),
        row("screen", 0.95, "cannot_judge", "motionless"),
        row("screen", 0.95, "cannot_judge", "rigid"),
        row("screen", None, "cannot_judge", "too_few_shots"),
        {**row("screen", None), "verdict": None},
    ]
    assert chosen(settled, [row("live", 0.6, "attack", "looks_shown", "border_around_face")]) == FORCE
    counts = {promise.name: (promise.errors, promise.trials) for promise in calibrate_liveness(report(settled))[1]}
    assert counts["APCER screen"] == (0, 5)
    assert counts["cannot judge screen"] == (4, 5)
    assert counts["APNRR screen"] == (1, 6)


def test_an_attack_that_looks_livelier_than_may_be_asked_is_refused() -> None:
    with pytest.raises(BadLabels, match=r"live must lie above 0 and up to 0\.9"):
        chosen([row("mask", 0.97, "live")])
    with pytest.raises(BadLabels, match=r"live must lie above 0 and up to 0\.9"):
        chosen(rows("mask", [0.97] * 3000))


def test_the_promises_are_those_of_the_new_limits() -> None:
    _, promises = calibrate_liveness(report([row("print", 0.75, "live")], [row("live", 0.74, "live")]))
    counts = {promise.name: (promise.errors, promise.trials) for promise in promises}
    assert counts["APCER print"] == counts["worst APCER (print)"] == (0, 1)
    assert counts["cannot judge live"] == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "clips"},
        {"presentations": [{}]},
        {"presentations": [row("live", 1.5)]},
        {"presentations": [row("live", float("nan"))]},
        {"presentations": [row("live", 0.5, "perhaps")]},
        {"presentations": "x"},
        {"liveness_limits": {"live": 0.2, "attack": 0.4}},
        {"liveness_limits": None},
        {"targets": {"apcer": 0}},
        {"targets": {"other": 1}},
    ],
)
def test_a_report_of_another_kind_or_damaged_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadLabels, match="make one with evaluate --attacks"):
        calibrate_liveness(report(rows("live", [0.9]), **change))
