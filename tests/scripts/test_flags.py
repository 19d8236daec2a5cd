"""The simulation of flags against scores whose truth is known, and the real decision against itself at every limit."""

import json
import os
from dataclasses import replace
from itertools import combinations
from math import atanh, erf, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_agent.decide import decide
from edge_agent.sections.core import Limits
from models.errors import BadLabels, ModelError
from models.pack import load_pack
from scripts.benchmarks import flags, replayed_clips
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.report import Figure
from scripts.benchmarks.score_model import ScoreModel, Spread, fit
from scripts.benchmarks.settlements import KINDS, Cast, Population, parameters
from scripts.benchmarks.simulation import FLAGGED, PASSED, Ladder, Simulation

ROOT = Path(__file__).resolve().parents[2]
CLIPS = Path(os.environ.get("SHARED_DIR", ROOT.parent / "shared")) / "data" / "window"
SIZE, FRAMES = 192, 8
CLEAR = ScoreModel(
    mated=Spread(mean=2.2, sd=0.05, trials=5000),
    other=Spread(mean=0.0, sd=0.05, trials=5000),
    agreement=0.95,
    mated_noise=0.01,
    other_noise=0.01,
)
NOTHING_LOST = Population(enrolment_loss=0, age_loss=0, missed=0)


def test_the_fit_recovers_how_vectors_were_made() -> None:
    """Unit vectors of 60 persons on two days with eight moments each, made with a known part that every moment keeps."""
    model = fit(_report(_vectors(persons=60, kept=0.9)))
    assert model.agreement == pytest.approx(0.9, abs=0.02)
    assert np.tanh(model.mated.mean) == pytest.approx(0.8, abs=0.03)
    assert model.mated.trials == model.other.trials == 60
    assert model.other.mean == pytest.approx(0.0, abs=0.02)
    assert model.other_noise == pytest.approx(sqrt((1 - 0.9**2) / SIZE), rel=0.15)


def test_fused_moments_come_nearer_and_spread_less_than_single_ones() -> None:
    truth, random = replace(CLEAR, agreement=0.8, mated_noise=0.1), np.random.default_rng(1)
    one, best_of_one = truth.moments(random, np.full(4000, 0.9), np.full(4000, 1), truth.mated_noise)
    many, best_of_many = truth.moments(random, np.full(4000, 0.9), np.full(4000, 16), truth.mated_noise)
    assert one.mean() == pytest.approx(0.9 * 0.8, abs=0.01)
    assert many.mean() == pytest.approx(0.9 * 0.8 / sqrt(0.64 + 0.36 / 16), abs=0.01)
    assert many.std() < one.std() / 3
    assert (best_of_one == one).all()
    assert (best_of_many <= 1).all() and best_of_many.mean() > one.mean() + 0.1


def test_a_face_without_moments_is_not_compared() -> None:
    fused, best = CLEAR.moments(np.random.default_rng(1), np.array([0.9, 0.9]), np.array([0, 3]), 0.0)
    assert np.isnan([fused[0], best[0]]).all() and np.isfinite([fused[1], best[1]]).all()


def test_clear_scores_accuse_nobody_and_find_everybody_but_the_twin() -> None:
    view = _view(CLEAR, NOTHING_LOST)
    assert (_flagged(view, "plain"), _flagged(view, "stranger"), _flagged(view, "twin")) == (0.0, 1.0, 0.0)
    assert view.outcomes["twin"].passed.mean() == 1.0
    assert view.outcomes["registered proxy"].passed.mean() == 1.0
    assert view.outcomes["picture of the insured"].passed.mean() == 1.0


def test_the_share_of_accused_is_that_of_the_tail() -> None:
    wide = replace(CLEAR, mated=Spread(mean=0.9, sd=0.5, trials=5000), mated_noise=0.0)
    gain = sqrt(0.95**2 + (1 - 0.95**2) / 16) / 0.95
    tail = _normal((atanh(0.35 * gain) - 0.9) / 0.5)
    count, ladder = 4000, Ladder(Limits())
    rungs = [ladder.outcome(seen)[0] for seen in KINDS[0].play(Cast(wide, NOTHING_LOST, np.random.default_rng(1), count))]
    assert np.mean([rung <= ladder.at(0.35) for rung in rungs]) == pytest.approx(tail, abs=4 * sqrt(tail * (1 - tail) / count))


def test_the_ladder_says_what_the_decision_says_at_each_limit() -> None:
    limits = Limits()
    ladder = Ladder(limits)
    wide = replace(CLEAR, mated=Spread(mean=0.8, sd=0.5, trials=9), other=Spread(mean=0.4, sd=0.3, trials=9), other_noise=0.1)
    seen_outcomes = set()
    for kind in KINDS:
        for seen in kind.play(Cast(wide, Population(cover_unnoticed=0.5), np.random.default_rng(5), 25)):
            first, passed = ladder.outcome(seen)
            for rung, step in enumerate(ladder.steps):
                outcome = decide(seen, limits.model_copy(update={"different": step / 100})).outcome
                assert (outcome in FLAGGED, outcome in PASSED) == (rung >= first, passed), (kind.name, step)
                seen_outcomes.add(outcome.value)
    assert seen_outcomes == {"same", "different", "undecided", "proxy"}


def test_masks_accuse_only_where_they_go_unnoticed() -> None:
    noticed, unnoticed = (_view(CLEAR, Population(cover_loss=0.7, cover_unnoticed=share)) for share in (0.0, 1.0))
    assert _flagged(noticed, "covered") == 0.0
    assert _flagged(unnoticed, "covered") > 0.9
    assert unnoticed.accused().mean() > noticed.accused().mean() == 0.0


def test_twins_among_the_impostors_lower_what_is_found() -> None:
    none, many = (_view(CLEAR, Population(twins=share, relative_nearer=0.0)) for share in (0.0, 0.3))
    assert none.found().mean() - many.found().mean() == pytest.approx(30, abs=1)


def test_near_relatives_are_found_less() -> None:
    strangers = replace(CLEAR, other=Spread(mean=0.1, sd=0.15, trials=40))
    far, near = (_view(strangers, Population(relative_nearer=shift)) for shift in (0.0, 0.3))
    assert _flagged(near, "relative") < _flagged(far, "relative") - 0.2


def test_lawful_errands_stand_beside_the_goal() -> None:
    view = _view(CLEAR, NOTHING_LOST)
    assert _flagged(view, "unregistered errand") == 1.0
    assert view.accused().mean() == 0.0


def test_few_persons_leave_the_model_open_and_many_do_not() -> None:
    """The drawn means cover the true one as often as the posterior says: a Student's t with trials - 1 degrees of freedom."""
    random = np.random.default_rng(4)
    for trials, width in ((3, 4.303), (40, 2.023)):  # 97.5 % points of t with 2 and 39 degrees
        spread = Spread(mean=1.8, sd=0.3, trials=trials)
        means = np.array([spread.drawn(random).mean for _ in range(4000)])
        inside = np.abs(means - 1.8) <= width * 0.3 / sqrt(trials)
        assert inside.mean() == pytest.approx(0.95, abs=0.02)


def test_figures_are_complete_and_equal_for_equal_seeds() -> None:
    report = _report(_vectors(persons=30, kept=0.9))
    told: list[str] = []
    first = flags.simulate(report, settlements=60, draws=20, seed=7, progress=told.append)
    assert first == flags.simulate(report, settlements=60, draws=20, seed=7)
    assert first != flags.simulate(report, settlements=60, draws=20, seed=8)
    assert told
    names = " ".join(figure.name for figure in first)
    assert all(kind.name in names for kind in KINDS)
    assert all(f"{'measured' if each.measured else 'ASSUMED'} {each.name}" in names for each in parameters(Population()))
    assert {figure.goal for figure in first} == {"B3", ""}
    goals = _goals(first)
    assert (goals["accused"].at_most, goals["found"].at_least) == (1.0, 90.0)
    assert goals["found"].spread is not None
    assert goals["found"].spread["median"] + goals["found"].spread["held for people"] + goals["found"].spread["passed"] == pytest.approx(
        100, abs=5
    )


def test_without_a_shape_few_trials_claim_little() -> None:
    found = flags.simulate(_report(_vectors(persons=30, kept=0.9)), settlements=60, draws=20, seed=7)
    bound = next(figure for figure in found if "no shape" in figure.name and figure.unit == "in 10,000")
    assert bound.value == pytest.approx(10_000 * (1 - 0.05 ** (1 / 30)), rel=1e-6)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "pairs"}, "pairs"),
        ({"levels": {}}, "damaged"),
        ({"levels": None}, "damaged"),
        ({"people": "many"}, "damaged"),
        ({"people": 1}, "no spread"),
        ({"limits": {"same": 0.3, "different": 0.6}}, "limits"),
        ({"limits": {}, "people": 1}, "no spread"),
        ({"limits": {"same": 0.65, "different": 0.1, "min_good_frames": 3}}, "outside"),
        ({"limits": None}, "limits"),
    ],
)
def test_a_report_that_carries_no_model_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadLabels, match=says):
        flags.simulate({**_report(_vectors(persons=4, kept=0.9)), **change}, settlements=100, draws=20, seed=1)


@pytest.mark.parametrize("value", [float("nan"), 3.0, "high", None])
def test_a_score_that_is_none_is_refused(value: object) -> None:
    report = _report(_vectors(persons=4, kept=0.9))
    report["levels"]["clip"]["mated"][0] = value
    with pytest.raises(BadLabels, match="damaged"):
        fit(report)


def test_clips_with_single_moments_are_refused() -> None:
    report = _report(_vectors(persons=4, kept=0.9))
    report["levels"] = {name: level for name, level in report["levels"].items() if name in ("clip", "1 fused")}
    with pytest.raises(BadLabels, match="too few usable moments"):
        fit(report)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    broken = tmp_path / "report.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(CannotMeasure, match="cannot be read as a report"):
        flags.run(broken, None, tmp_path, settlements=100, draws=20, seed=1)
    broken.write_text(json.dumps({"schema": 1, "kind": "pairs"}), encoding="utf-8")
    with pytest.raises(CannotMeasure, match="pairs"):
        flags.run(broken, None, tmp_path, settlements=100, draws=20, seed=1)
    with pytest.raises(CannotMeasure, match=r"nowhere\.csv does not exist"):
        flags.run(None, tmp_path / "nowhere.csv", tmp_path, settlements=100, draws=20, seed=1)


@pytest.mark.parametrize("wrong", [{"covered": 0.9}, {"relatives": 0.95}, {"missed": -0.1}, {"staff": float("inf")}])
def test_an_impossible_population_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"add up to|must be a number"):
        Population(**wrong)


def test_every_parameter_can_be_doubled_alone() -> None:
    for each in parameters(Population()):
        assert each.doubled > each.value and each.why and each.unit
        replace(Population(), **{each.name: each.doubled})


def test_real_clips_are_counted_by_whom_they_show(tmp_path: Path) -> None:
    if not CLIPS.is_dir():
        pytest.skip(f"the clips are not at hand: {CLIPS} does not exist; set SHARED_DIR")
    for name in ("milk.mkv", "bird.mkv", "eat.mkv"):
        (tmp_path / name).symlink_to(CLIPS / name)
    table = tmp_path / "labels.csv"
    table.write_text("file,person,faces\nmilk.mkv,B,1\nbird.mkv,B,1\neat.mkv,D,1\n", encoding="utf-8")
    try:
        pack = replace(load_pack(), liveness=None)
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")
    own, others = replayed_clips.measure(pack, table, Limits(), seed=1)
    assert (own.n, own.value, own.spread) == (2, 0, {"held": 0, "passed": 2})
    assert others.n == 4 and others.spread is not None and others.spread["passed"] == 0
    assert others.value + others.spread["held"] == 4


def _view(model: ScoreModel, population: Population) -> flags.View:
    ladder = Ladder(Limits())
    outcomes = Simulation([model], ladder, settlements=0, least=200, seed=2).play(population)
    return flags.View(outcomes, population, ladder, 0.35)


def _flagged(view: flags.View, name: str) -> float:
    return float(view.outcomes[name].flagged[0, view.rung])


def _goals(figures: list[Figure]) -> dict[str, Figure]:
    accused, found = (figure for figure in figures if figure.goal)
    return {"accused": accused, "found": found}


def _normal(deviation: float) -> float:
    return (1 + erf(deviation / sqrt(2))) / 2


def _vectors(*, persons: int, kept: float) -> dict[tuple[int, int], np.ndarray]:
    """Moments (FRAMES, SIZE) of every person and day; two days of one person resemble each other by 0.8, moments keep this much."""
    random = np.random.default_rng(3)
    found = {}
    for person in range(persons):
        face = _unit(random.standard_normal(SIZE))
        for day in (0, 1):
            direction = _between(face, random.standard_normal(SIZE), sqrt(0.8))
            found[person, day] = np.stack([_between(direction, random.standard_normal(SIZE), kept) for _ in range(FRAMES)])
    return found


def _between(base: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """A unit vector whose cosine with `base` is `share`."""
    across = _unit(other - (other @ base) * base)
    return share * base + sqrt(1 - share**2) * across


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _report(vectors: dict[tuple[int, int], np.ndarray]) -> dict[str, Any]:
    """What `python -m models evaluate --clips` would write of these moments."""
    templates = {key: _unit(moments.mean(axis=0)) for key, moments in vectors.items()}
    levels: dict[str, dict[str, list[float]]] = {"clip": {"mated": [], "non_mated": []}}
    for one, other in combinations(templates, 2):
        levels["clip"]["mated" if one[0] == other[0] else "non_mated"].append(float(templates[one] @ templates[other]))
    for count in (1, 2, 3, 5, 8):
        level: dict[str, list[float]] = {"mated": [], "non_mated": []}
        for probe, moments in vectors.items():
            for at in range(0, FRAMES - count + 1, count):
                fused = _unit(moments[at : at + count].mean(axis=0))
                for key, template in templates.items():
                    if key != probe:
                        level["mated" if key[0] == probe[0] else "non_mated"].append(float(fused @ template))
        levels[f"{count} fused"] = level
    people = len({person for person, _ in vectors})
    limits = {"same": 0.65, "different": 0.35, "min_good_frames": 3}
    return {"schema": 1, "kind": "clips", "people": people, "limits": limits, "levels": levels}
