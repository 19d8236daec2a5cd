"""How many honest people would be called impostors in 10,000 settlements, and how many impostors found: the real decision, drawn evidence.

Similarities are drawn from a model fitted to measured ones. Few persons stand behind these, so the model's parameters are drawn anew from
what the persons allow, and a bound is one over the draws. It holds under the assumptions printed with it and no further.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from edge_agent.errors import SourceError
from edge_agent.sections.core import Limits
from models.errors import BadLabels, ModelError
from models.evaluation.collect import CLIP
from models.evaluation.intervals import CONFIDENCE, trials_needed, upper_bound
from models.evaluation.rates import BandLimits
from models.evaluation.report import load
from models.evaluation.run import evaluate_clips
from models.pack import load_pack
from scripts.benchmarks import published_faces, replayed_clips
from scripts.benchmarks.clips import default_folder
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.report import Figure
from scripts.benchmarks.score_model import ScoreModel, Scores, fit
from scripts.benchmarks.settlements import KINDS, OF_GENUINE, OF_IMPOSTORS, Kind, Parameter, Population, parameters
from scripts.benchmarks.simulation import STEP, Ladder, Outcomes, Progress, Simulation

GOAL, MOST_FLAGGED, LEAST_FOUND = "B3", 1.0, 90.0
PER = 10_000  # settlements of which is spoken
SHOWN = (25, 30, 35, 40, 45, 50)
LEAST_OF_KIND = 0.05  # of the settlements, though a kind be rarer; fewer of 10,000 could not show one flag in 10,000
OF_EACH_KIND = 0.15  # of the settlements, where one assumption is doubled
HONEST = tuple(kind for kind in KINDS if kind.genuine and not kind.lawful_stranger)
LAWFUL = tuple(kind for kind in KINDS if kind.lawful_stranger)
IMPOSTORS = tuple(kind for kind in KINDS if not kind.genuine)


def limits_of(report: Mapping[str, Any]) -> Limits:
    """The agent's limits with the bands that were in force when the report was made. Raises BadLabels."""
    try:
        return Limits(**asdict(BandLimits(**report["limits"])))
    except (KeyError, TypeError, ValueError) as error:
        raise BadLabels(f"this report does not say under which limits it was made ({error!r})") from error


def run(
    report: Path | None, clips: Path | None, faces: Path, *, settlements: int, draws: int, seed: int, progress: Progress = lambda _: None
) -> list[Figure]:
    """Every figure from a report, or from one made of `clips` (a table of labels), else of the published faces, kept in the folder `faces`.

    `clips`, or those in SHARED_DIR where they are at hand, are replayed as well. Raises CannotMeasure.
    """
    table = clips or default_folder() / "labels.csv"
    if clips and not table.is_file():
        raise CannotMeasure(f"there are no clips to measure on: {table} does not exist")
    try:
        measured = load(report) if report else _evaluated(clips or published_faces.clips(faces, progress), progress)
        found = simulate(measured, settlements=settlements, draws=draws, seed=seed, progress=progress)
        if table.is_file():
            found += replayed_clips.measure(load_pack(), table, limits_of(measured), seed=seed, progress=progress)
    except (ModelError, SourceError) as error:
        raise CannotMeasure(str(error)) from error
    return found


def _evaluated(table: Path, progress: Progress) -> Any:
    progress(f"evaluating {table}")
    return evaluate_clips(load_pack(), table, Limits().bands(), fps=replayed_clips.FPS)


def simulate(report: Mapping[str, Any], *, settlements: int, draws: int, seed: int, progress: Progress = lambda _: None) -> list[Figure]:
    """Every figure from one report on clips. Raises BadLabels for a report that cannot carry a model."""
    model, ladder, population = fit(report), Ladder(limits_of(report)), Population()
    models = [model.drawn(np.random.default_rng([seed, number])) for number in range(draws)]
    outcomes = Simulation(models, ladder, settlements=settlements, least=_part(settlements, LEAST_OF_KIND), seed=seed).play(
        population, progress
    )
    view = View(outcomes, population, ladder, limits_of(report).different)
    return [
        *_goal(view, model),
        *_without_shape(report, model, view.different),
        *_beside_the_goal(view),
        *_prices(view),
        *_curve(view),
        *_kinds(view),
        *_assumptions(view, Simulation([model], ladder, settlements=0, least=_part(settlements, OF_EACH_KIND), seed=seed), progress),
    ]


class View:
    """The outcomes of a population at one limit and along the ladder."""

    def __init__(self, outcomes: Mapping[str, Outcomes], population: Population, ladder: Ladder, different: float) -> None:
        self.outcomes, self.population, self.ladder, self.different = outcomes, population, ladder, different
        self.rung = ladder.at(different)

    def with_population(self, population: Population) -> "View":
        """The same kinds in other shares."""
        return View(self.outcomes, population, self.ladder, self.different)

    def flagged(self, kinds: Iterable[Kind]) -> Scores:
        """Share of these kinds together that is flagged, (models, limits)."""
        return self._mixed({kind: self.outcomes[kind.name].flagged for kind in kinds})

    def passed(self, kinds: Iterable[Kind]) -> Scores:
        """Share that passes, (models,)."""
        return self._mixed({kind: self.outcomes[kind.name].passed for kind in kinds})

    def accused(self, rung: int | None = None) -> Scores:
        """Honest people called impostors, in PER, one value for each model."""
        return PER * self.flagged(HONEST)[:, self.rung if rung is None else rung]

    def found(self, rung: int | None = None) -> Scores:
        """Impostors found, in per cent."""
        return 100 * self.flagged(IMPOSTORS)[:, self.rung if rung is None else rung]

    def decided(self, kinds: Iterable[Kind]) -> int:
        """Settlements that were decided."""
        return sum(self.outcomes[kind.name].drawn for kind in kinds)

    def _mixed(self, values: Mapping[Kind, Scores]) -> Scores:
        weights = np.array([kind.share(self.population) for kind in values])
        return np.tensordot(weights / weights.sum(), np.stack(list(values.values())), axes=1)


def _goal(view: View, model: ScoreModel) -> Iterator[Figure]:
    accused, found, passed = view.accused(), view.found(), 100 * view.passed(IMPOSTORS)
    yield Figure(
        name=f"honest people called impostors at {view.different:g}, 95 % upper bound",
        value=_high(accused),
        unit="in 10,000",
        n=model.mated.trials,
        goal=GOAL,
        spread={"median": _middle(accused), "least": float(accused.min())},
        at_most=MOST_FLAGGED,
        note=f"n comparisons are independent, a claim needs {trials_needed(1 / PER)}; {view.decided(HONEST)} settlements were decided",
    )
    yield Figure(
        name=f"planted impostors found at {view.different:g}, 95 % lower bound",
        value=_low(found),
        unit="%",
        n=model.other.trials,
        goal=GOAL,
        spread={"median": _middle(found), "held for people": _middle(100 - found - passed), "passed": _middle(passed)},
        at_least=LEAST_FOUND,
        note=f"n as above; {view.decided(IMPOSTORS)} impostors decided; held means that the clerk is asked to check by hand",
    )


def _without_shape(report: Mapping[str, Any], model: ScoreModel, different: float) -> Iterator[Figure]:
    """What the scores say when nothing is believed about their shape: no population, no enrolment, no cover."""
    mated, other = (np.array(report["levels"][CLIP][kind]) for kind in ("mated", "non_mated"))
    wrong, missed = float((mated <= different).mean()), float((other > different).mean())
    yield Figure(
        name="plain faces called impostors, no shape assumed, 95 % upper bound",
        value=PER * _bound(wrong, model.mated.trials),
        unit="in 10,000",
        n=model.mated.trials,
        spread={"seen": PER * wrong},
        note="rule of three; whatever the simulation says below this rests on the shape, normal in Fisher's z, and on the assumptions",
    )
    yield Figure(
        name="strangers found, no shape assumed, 95 % lower bound",
        value=100 * (1 - _bound(missed, model.other.trials)),
        unit="%",
        n=model.other.trials,
        spread={"seen": 100 * (1 - missed)},
        note="persons count as trials, for the pairs of one person resemble each other",
    )


def _beside_the_goal(view: View) -> Iterator[Figure]:
    errands = PER * sum(kind.share(view.population) for kind in LAWFUL) * view.flagged(LAWFUL)[:, view.rung]
    yield Figure(
        name="lawful errands called impostors",
        value=_middle(errands),
        unit="in 10,000",
        n=view.decided(LAWFUL),
        spread={"95 %": _high(errands)},
        note="somebody else stands there, as is said; that it is lawful (both documents) only a register entry or people can tell",
    )
    held = 100 * (1 - view.flagged(HONEST)[:, view.rung] - view.passed(HONEST))
    yield Figure(
        name="honest people held for a check by hand", value=_middle(held), unit="%", n=view.decided(HONEST), spread={"95 %": _high(held)}
    )


def _prices(view: View) -> Iterator[Figure]:
    """The lowest limit that finds enough, and the highest that accuses few enough; no line where there is none."""
    rungs = range(len(view.ladder.steps))
    enough = next((rung for rung in rungs if _low(view.found(rung)) >= LEAST_FOUND), None)
    seldom = next((rung for rung in reversed(rungs) if _high(view.accused(rung)) <= MOST_FLAGGED), None)
    if enough is None:
        yield _at(view, rungs[-1], f"even the highest limit does not find {LEAST_FOUND:g} %")
    else:
        yield _at(view, enough, f"lowest limit that finds {LEAST_FOUND:g} %")
    if seldom is not None:
        yield _at(view, seldom, f"highest limit that accuses at most {MOST_FLAGGED:g}")
    else:
        yield _at(view, 0, f"even the lowest limit accuses more than {MOST_FLAGGED:g}")


def _at(view: View, rung: int, name: str) -> Figure:
    accused, found = view.accused(rung), view.found(rung)
    return Figure(
        name=f"{name}: {view.ladder.steps[rung] / STEP:g}",
        value=_low(found),
        unit="% found",
        n=view.decided(IMPOSTORS),
        spread={"median": _middle(found), "accused in 10,000": _middle(accused), "95 %": _high(accused)},
    )


def _curve(view: View) -> Iterator[Figure]:
    return (_at(view, view.ladder.steps.index(step), "different") for step in SHOWN if step in view.ladder.steps)


def _kinds(view: View) -> Iterator[Figure]:
    for kind in KINDS:
        of = view.outcomes[kind.name]
        flagged = 100 * of.flagged[:, view.rung]
        yield Figure(
            name=f"{'genuine' if kind.genuine else 'impostor'}, {kind.name} ({100 * kind.share(view.population):g} %): flagged",
            value=_middle(flagged),
            unit="%",
            n=of.drawn,
            spread={
                "5 %": _low(flagged),
                "95 %": _high(flagged),
                "held": max(0.0, _middle(100 * (1 - of.passed) - flagged)),  # not -1e-16
                "passed": _middle(100 * of.passed),
            },
        )


def _assumptions(view: View, fitted: Simulation, progress: Progress) -> Iterator[Figure]:
    """What each parameter does when it is twice as large, under the fitted model alone: the same draws for all, so that they compare."""
    as_is = View(fitted.play(view.population), view.population, view.ladder, view.different)
    yield _effect("all parameters as they are, fitted model", as_is)
    for parameter in parameters(view.population):
        progress(f"twice {parameter.name}")
        other = replace(view.population, **{parameter.name: parameter.doubled})
        if parameter.unit in (OF_GENUINE, OF_IMPOSTORS):
            shown = as_is.with_population(other)
        else:
            shown = View(fitted.play(other), other, view.ladder, view.different)
        yield _effect(_titled(parameter), shown, parameter.why)


def _titled(parameter: Parameter) -> str:
    source = "measured" if parameter.measured else "ASSUMED"
    return f"{source} {parameter.name} {parameter.value:g} ({parameter.unit}), if {parameter.doubled:g}"


def _effect(name: str, view: View, note: str = "") -> Figure:
    return Figure(
        name=name,
        value=_middle(view.accused()),
        unit="in 10,000 accused",
        n=view.decided(HONEST),
        spread={"found %": _middle(view.found())},
        note=note,
    )


def _part(settlements: int, share: float) -> int:
    return max(1, round(settlements * share))


def _bound(share: float, trials: int) -> float:
    return upper_bound(ceil(share * trials - 1e-9), trials)


def _middle(values: Scores) -> float:
    return float(np.median(values))


def _high(values: Scores) -> float:
    return float(np.quantile(values, CONFIDENCE))


def _low(values: Scores) -> float:
    return float(np.quantile(values, 1 - CONFIDENCE))
