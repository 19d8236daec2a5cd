"""Quality: whether every component falls as its cause grows, on real faces that are spoilt by degrees, and what an assessment costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from models.errors import ModelError
from models.pack import load_pack
from models.protocols import Detector
from models.quality import measure as native
from models.quality_components import NOT_COMPUTED, Assessment, Component, assess
from models.results import Picture
from scripts.benchmarks import clips, degradations
from scripts.benchmarks.degradations import Seen, Spoil
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.portraits import portraits
from scripts.benchmarks.report import Figure, seconds, timed

C = Component
ASKED, QUALITY_MS = 14, 3.0
FRAMES = 20  # of all clips, evenly spread
PASSES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One cause in steps, mildest first, and the component that must not rise with it.

    `from_clean` is False where the face as it is does not come before the first step: a head may be turned the other way already.
    """

    component: Component
    cause: str
    spoil: Spoil
    steps: Sequence[float]
    from_clean: bool = True


def _turns(spoil: Spoil, side: int) -> Spoil:
    return lambda seen, degrees: spoil(seen, side * degrees)


SWEEPS = (
    Sweep(component=C.SHARPNESS, cause="blur", spoil=degradations.blurred, steps=(0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12)),
    Sweep(component=C.LUMINANCE_MEAN, cause="darkness", spoil=degradations.lit, steps=(0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05)),
    Sweep(component=C.UNDER_EXPOSURE_PREVENTION, cause="darkness", spoil=degradations.lit, steps=(0.6, 0.4, 0.3, 0.2, 0.1, 0.05)),
    Sweep(component=C.OVER_EXPOSURE_PREVENTION, cause="too much light", spoil=degradations.lit, steps=(1.5, 2, 2.5, 3, 4, 5)),
    Sweep(component=C.DYNAMIC_RANGE, cause="loss of contrast", spoil=degradations.flattened, steps=(0.8, 0.6, 0.4, 0.3, 0.2, 0.1)),
    Sweep(
        component=C.ILLUMINATION_UNIFORMITY, cause="light from one side", spoil=degradations.one_side_dark, steps=(0.4, 0.5, 0.6, 0.7, 0.8)
    ),
    Sweep(component=C.NATURAL_COLOUR, cause="a blue cast", spoil=degradations.tinted, steps=(30, 45, 60, 75, 90), from_clean=False),
    Sweep(component=C.INTER_EYE_DISTANCE, cause="size", spoil=degradations.smaller, steps=(21, 19, 17, 15, 13, 11, 9)),
    Sweep(component=C.HEAD_SIZE, cause="size", spoil=degradations.smaller, steps=(21, 17, 13, 11, 9)),
    *(
        Sweep(component=component, cause=cause, spoil=_turns(spoil, side), steps=steps, from_clean=False)
        for component, spoil, steps, causes in (
            (C.HEAD_POSE_YAW, degradations.turned, (20, 30, 40, 50, 60), ("turned left", "turned right")),
            (C.HEAD_POSE_PITCH, degradations.nodded, (20, 30, 40, 50, 60), ("nose up", "nose down")),
            (C.HEAD_POSE_ROLL, degradations.tilted, (15, 25, 35, 45, 60), ("tilted left", "tilted right")),
        )
        for cause, side in zip(causes, (-1, 1), strict=True)
    ),
    *(
        Sweep(component=margin, cause="cut off", spoil=partial(degradations.cropped, turns=turns), steps=(0.0, 0.1, 0.2, 0.3))
        for turns, margin in enumerate((C.LEFTWARD_CROP, C.MARGIN_BELOW, C.RIGHTWARD_CROP, C.MARGIN_ABOVE))
    ),
    Sweep(
        component=C.EYES_VISIBLE,
        cause="dark glasses",
        spoil=partial(degradations.covered, area=degradations.GLASSES, colour=degradations.DARK_GLASS),
        steps=(0.1, 0.3, 0.5, 0.75, 1.0),
    ),
    Sweep(component=C.MOUTH_OCCLUSION_PREVENTION, cause="a mask", spoil=degradations.covered, steps=(0.1, 0.3, 0.5, 0.75, 1.0)),
    Sweep(component=C.FACE_OCCLUSION_PREVENTION, cause="a mask", spoil=degradations.covered, steps=(0.1, 0.3, 0.5, 0.75, 1.0)),
)


def measure() -> list[Figure]:
    """Goal B5 on the demonstration's portraits and on frames of the clips. Raises CannotMeasure where they or the networks are missing."""
    try:
        detector = load_pack().detector
    except ModelError as error:
        raise CannotMeasure(str(error)) from error
    filmed = [picture for clip in clips.read(clips.default_folder()) for picture in clip.frames]
    faces = seen_in(detector, [*portraits(), *filmed[:: len(filmed) // FRAMES]])
    return [*_scale(faces), *(sweep_figure(sweep, faces) for sweep in SWEEPS), _cost(faces)]


def seen_in(detector: Detector, pictures: Sequence[Picture]) -> list[Seen]:
    """Every picture with its best face; pictures without one are left out."""
    return [(picture, found[0]) for picture in pictures if (found := detector.detect(picture))]


def sweep_figure(sweep: Sweep, faces: Sequence[Seen]) -> Figure:
    """How many steps raise the component although its cause grew, over all faces; and how the values follow the steps."""
    rows = [_values(sweep, seen) for seen in faces]
    rises = [later > earlier for row in rows for earlier, later in pairwise(row)]
    return Figure(
        name=f"{sweep.component} under {sweep.cause}: steps that raise it",
        value=sum(rises),
        unit="steps",
        n=len(rises),
        goal="B5",
        at_most=0,
        spread={
            "rank correlation": float(np.mean([rank_correlation(row) for row in rows])),
            "first": float(np.mean([row[0] for row in rows])),
            "last": float(np.mean([row[-1] for row in rows])),
        },
    )


def rank_correlation(values: Sequence[float]) -> float:
    """Spearman's, of values with their own order: -1 when they fall at every step, 0 when they stay."""
    ordered = np.sort(values)
    ranks = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2
    if ranks.min() == ranks.max():
        return 0.0
    return float(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1])


def judge(seen: Seen) -> Assessment:
    """What the product says of a face."""
    return assess(*seen, native(*seen))


def _values(sweep: Sweep, seen: Seen) -> list[int]:
    spoilt = [*([seen] if sweep.from_clean else []), *(sweep.spoil(seen, step) for step in sweep.steps)]
    return [judge(one).components[sweep.component] for one in spoilt]


def _scale(faces: Sequence[Seen]) -> list[Figure]:
    values = [judge(seen).components for seen in faces]
    computed = [component for component in Component if all(found[component] != NOT_COMPUTED for found in values)]
    outside = sum(value != NOT_COMPUTED and not 0 <= value <= 100 for found in values for value in found.values())
    note = ", ".join(computed)
    return [
        Figure(name="components computed on every face", value=len(computed), unit="", n=len(faces), goal="B5", at_least=ASKED, note=note),
        Figure(name="values beyond 0 to 100 and -1", value=outside, unit="", n=len(faces) * len(Component), goal="B5", at_most=0),
    ]


def _cost(faces: Sequence[Seen]) -> Figure:
    spent = [seconds(partial(judge, seen)) for _ in range(PASSES) for seen in faces]
    return timed("quality of a face: native measures and components", spent, goal="B5", at_most_ms=QUALITY_MS)
