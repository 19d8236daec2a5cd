"""Synthetic galleries and tails whose truth is known."""

from collections.abc import Callable
from math import log, log10
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.calibrate import calibrate
from models.evaluation.collect import CLIP, measure_clips
from models.evaluation.identification import LEAST_IN_TAIL, SIZES, identification_rates, promised_fpir, tail
from models.evaluation.intervals import clopper_pearson, draws
from models.evaluation.labels import Clip
from models.evaluation.rates import BandLimits, Rate, Targets, one_of
from models.evaluation.scores import Level, Search
from models.pack import Pack

PERSONS = 60


def level(scores: np.ndarray, seed: int = 1) -> Level:
    """Non-mated trials between random pairs of PERSONS."""
    random = np.random.default_rng(seed)
    first = random.integers(0, PERSONS, len(scores))
    second = (first + random.integers(1, PERSONS, len(scores))) % PERSONS
    return Level(name="clip", persons=PERSONS, first=first, second=second, scores=scores, independent=True)


def found(search: Search, limits: BandLimits) -> dict[str, Rate]:
    persons = int(max(search.probes.max(), search.templates.max())) + 1
    return {rate.name: rate for rate in identification_rates(search, limits, Targets(), draws(persons))}


@given(same=st.floats(-0.9, 1), per_decade=st.floats(0, 2), n=st.integers(1, 10**7))
def test_the_limit_rises_with_the_people_and_never_beyond_one(same: float, per_decade: float, n: int) -> None:
    limits = BandLimits(same=same, different=-1, per_decade=per_decade)
    assert limits.among(1) == limits.among(0) == same
    assert same <= limits.among(n) <= limits.among(10 * n) <= 1
    assert limits.among(n) == pytest.approx(min(1, same + per_decade * log10(n)))


@pytest.mark.parametrize("bad", [-0.01, 2.1, float("nan"), float("inf")])
def test_an_impossible_cost_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="per_decade must be 0 to 2"):
        BandLimits(per_decade=bad)


@pytest.mark.parametrize("scale", [0.01, 0.03, 0.05])
def test_the_cost_of_a_decade_is_that_of_an_exponential_tail(scale: float) -> None:
    decade = tail(level(np.random.default_rng(3).exponential(scale, 40_000)))
    assert decade is not None
    assert decade.scores == 2000
    assert decade.per_decade == pytest.approx(scale * log(10), rel=0.05)
    assert decade.per_decade < decade.high < 1.2 * decade.per_decade


def test_the_bootstrap_sees_that_few_persons_make_the_tail() -> None:
    """One pair is much alike, with excesses of its own: whoever leaves it out finds another tail."""
    random = np.random.default_rng(5)
    trials = level(random.normal(0.2, 0.1, 4000))
    alike = np.isin(trials.first, (0, 1)) & np.isin(trials.second, (0, 1))
    trials.scores[alike] = random.normal(0.8, 0.01, alike.sum())
    decade = tail(trials)
    assert alike.sum() > 0 and decade is not None
    assert decade.high > 1.3 * decade.per_decade


def test_no_tail_without_scores_enough() -> None:
    assert tail(level(np.empty(0))) is None
    assert tail(level(np.arange(20 * LEAST_IN_TAIL - 40) / 100)) is None
    assert tail(level(np.full(1000, 0.3))) is None  # nothing lies beyond
    mated = Level(name="m", persons=2, first=np.zeros(9, int), second=np.zeros(9, int), scores=np.ones(9), independent=True)
    assert tail(mated) is None


@pytest.mark.parametrize("draw", [lambda random: random.normal(0.2, 0.1, 200_000), lambda random: random.beta(2, 8, 200_000)])
def test_measured_limits_keep_the_true_fpir_of_larger_galleries(draw: Callable[[np.random.Generator], np.ndarray]) -> None:
    """`same` stands where the true FMR is 0.001; the limits that follow from the tail must not let it grow with the gallery."""
    scores = draw(np.random.default_rng(7))
    truth = np.sort(draw(np.random.default_rng(8)))
    decade = tail(level(scores))
    assert decade is not None
    limits = BandLimits(same=float(np.quantile(truth, 0.999)), different=-1, per_decade=decade.per_decade)
    for n in (10, 100):
        fmr = float((truth >= limits.among(n)).mean())
        assert one_of(n, fmr) <= 0.001


@pytest.mark.parametrize("size", [1, 5, 20])
def test_measured_rates_hold_the_true_ones(size: int) -> None:
    """Independent scores of known distributions: the FPIR and FNIR that follow lie in their exact intervals."""
    mated, other = NormalDist(0.7, 0.1), NormalDist(0.2, 0.15)
    random = np.random.default_rng(11)
    probes, templates = np.repeat(np.arange(400), 2), np.arange(400)
    own = probes[:, None] == templates
    scores = np.where(own, random.normal(mated.mean, mated.stdev, own.shape), random.normal(other.mean, other.stdev, own.shape))
    rates = found(
        Search(name="clip", probes=probes, templates=templates, scores=scores, independent=True), BandLimits(same=0.6, per_decade=0)
    )
    fpir, fnir = rates[f"FPIR of {size} at 0.6"], rates[f"FNIR of {size} at 0.6"]
    assert fpir.trials == 800 * (399 // size)
    assert fpir.exact.low <= one_of(size, 1 - other.cdf(0.6)) <= fpir.exact.high
    grid = np.linspace(0.6, 1.4, 4001)
    hit = np.array([mated.pdf(x) * other.cdf(x) ** (size - 1) for x in grid])
    truth = 1 - float(((hit[1:] + hit[:-1]) / 2 * np.diff(grid)).sum())
    exact = clopper_pearson(fnir.errors // max(1, fnir.trials // 800), 800)  # the 800 mates are the independent trials
    assert exact.low <= truth <= exact.high


def test_who_counts_as_found_and_as_missed() -> None:
    scores = np.array([[np.nan, 0.9, 0.3, 0.2], [0.9, np.nan, 0.95, 0.2], [0.3, 0.7, np.nan, 0.1]])
    search = Search(name="clip", probes=np.array([0, 0, 1]), templates=np.array([0, 0, 1, 2]), scores=scores, independent=True)
    limits = BandLimits(same=0.6, per_decade=0.1)
    counts = {name: (rate.errors, rate.trials) for name, rate in found(search, limits).items()}
    assert counts == {
        "FPIR of 1 at 0.6": (2, 7),  # 0.95 and 0.7
        "FNIR of 1 at 0.6": (0, 2),
        "FPIR of 2 at 0.63": (2, 3),
        "FNIR of 2 at 0.63": (1, 4),  # 0.95 is more than 0.9
    }


def test_limits_of_the_own_recording_are_never_used_and_nothing_is_said_of_an_empty_gallery() -> None:
    alone = Search(name="clip", probes=np.array([0]), templates=np.array([0]), scores=np.array([[np.nan]]), independent=True)
    assert found(alone, BandLimits()) == {}
    nobody = Search(name="clip", probes=np.empty(0, int), templates=np.empty(0, int), scores=np.empty((0, 0)), independent=True)
    assert list(identification_rates(nobody, BandLimits(), Targets(), np.empty((0, 0)))) == []


@pytest.mark.parametrize(("size", "needed"), [(10, 29_987), (100, 299_852), (1000, 2_998_502)])
def test_an_fpir_is_promised_only_from_trials_enough(size: int, needed: int) -> None:
    limits = BandLimits()
    refused = promised_fpir(0, needed - 1, limits, size, "clip", 0.001)
    assert refused.statement == f"cannot be stated from N={needed - 1} (a claim of 0.001 needs {needed})"
    kept = promised_fpir(0, needed, limits, size, "clip", 0.001)
    assert kept.statement == "at most 0.001 holds"
    assert kept.exact.high == pytest.approx(1 - (1 - clopper_pearson(0, needed).high) ** size)
    assert promised_fpir(needed // 10, needed, limits, size, "clip", 0.001).statement == "at most 0.001 does not hold"


@given(rate=st.floats(0, 1), size=st.integers(1, 10_000))
def test_an_fpir_is_a_share_and_never_less_than_the_fmr(rate: float, size: int) -> None:
    assert rate * (1 - 1e-12) <= one_of(size, rate) <= min(1.0, size * rate * (1 + 1e-9))


def test_few_trials_never_lower_the_cost_and_many_set_it(make_report: Callable[..., Any]) -> None:
    random = np.random.default_rng(2)
    few = make_report([0.9] * 5, random.normal(0.1, 0.01, 500).tolist())
    assert calibrate(few)[0].per_decade == BandLimits().per_decade
    wide = make_report([0.9] * 5, random.exponential(0.08, 500).tolist(), BandLimits(per_decade=0.01))
    limits, promises = calibrate(wide)
    assert 0.08 * log(10) <= limits.per_decade <= 1.5 * 0.08 * log(10)
    assert [promise.name.split(" at ")[0] for promise in promises[-3:]] == ["FPIR of 10", "FPIR of 100", "FPIR of 1000"]
    assert all(promise.statement.startswith("cannot be stated from N=500") for promise in promises[-3:])
    many = calibrate(make_report([0.9] * 5, random.normal(0.1, 0.02, 30_000).tolist()))
    assert many[0].per_decade == pytest.approx(0.02, abs=0.01)  # below that in force
    assert many[1][-3].statement == "at most 0.001 holds"


@pytest.mark.parametrize("decade", [{"high": float("nan")}, {"high": -1}, {"high": 9}, {}, "x"])
def test_a_damaged_tail_is_refused(make_report: Callable[..., Any], decade: object) -> None:
    report = make_report([0.9], [0.1])
    report["levels"][CLIP]["tail"] = decade
    with pytest.raises(Exception, match="cannot be calibrated from this report"):
        calibrate(report)


def test_the_clips_are_searched_without_their_own_template(pack: Pack, window: Path) -> None:
    persons = {"again.mkv": "A", "yes.mkv": "A", "book.mkv": "C", "eat.mkv": "D"}
    clips = [Clip(path=window / name, person=person) for name, person in persons.items()]
    measured = measure_clips(pack, clips, fps=3, min_good_frames=3)
    whole, parts = measured.searches
    assert (whole.name, parts.name) == ("clip", "3 fused")
    assert np.array_equal(np.isnan(whole.scores), np.eye(4, dtype=bool))
    assert whole.independent and not parts.independent
    rates = found(whole, BandLimits())
    assert [rate.trials for rate in rates.values()] == [10, 2, 4, 4]
    assert {rate.errors for rate in rates.values()} == {0}
    assert set(SIZES) > {1, 2}
