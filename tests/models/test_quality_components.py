"""Degradation sweeps over real faces: every component falls as its cause grows, and so does the unified score."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import get_type_hints

import cv2
import numpy as np
import pytest

from models.pack import Pack
from models.quality import ENROLMENT, WINDOW, measure, problems
from models.quality_components import COMPONENTS_OF, HINTS_BELOW, NOT_COMPUTED, UNIFIED_WEIGHTS, Component, assess
from models.results import Picture, Quality
from scripts.benchmarks.degradations import (
    DARK_GLASS,
    GLASSES,
    Seen,
    Spoil,
    blurred,
    covered,
    cropped,
    flattened,
    lit,
    moved,
    one_side_dark,
    smaller,
    tilted,
    turned,
)
from scripts.benchmarks.quality import judge

C = Component
PORTRAITS = ("demo-person-01-a", "demo-person-02-a", "demo-person-04-a")
CLIPS = ("milk.mkv", "walk.mkv", "head-pose-male.gif")


@pytest.fixture(scope="module")
def portraits(pack: Pack, demo: Callable[[str], Picture]) -> list[Seen]:
    return [(picture, pack.detector.detect(picture)[0]) for picture in map(demo, PORTRAITS)]


@pytest.fixture(scope="module")
def filmed(pack: Pack, frames: Callable[..., Iterator[Picture]]) -> list[Seen]:
    return [(picture, pack.detector.detect(picture)[0]) for picture in (next(frames(clip)) for clip in CLIPS)]


@pytest.fixture(scope="module", params=["portraits", "filmed"])
def faces(request: pytest.FixtureRequest) -> list[Seen]:
    seen: list[Seen] = request.getfixturevalue(request.param)
    return seen


@pytest.mark.parametrize(
    ("component", "spoil", "steps"),
    [
        (C.SHARPNESS, blurred, (0.04, 0.06, 0.08, 0.11)),
        (C.LUMINANCE_MEAN, lit, (0.5, 0.35, 0.2, 0.1)),
        (C.UNDER_EXPOSURE_PREVENTION, lit, (0.3, 0.15, 0.08)),
        (C.OVER_EXPOSURE_PREVENTION, lit, (2.0, 3.0, 5.0)),
        (C.DYNAMIC_RANGE, flattened, (0.6, 0.3, 0.15)),
        (C.ILLUMINATION_UNIFORMITY, one_side_dark, (0.4, 0.6, 0.8)),
        (C.INTER_EYE_DISTANCE, smaller, (21.0, 17.0, 13.0, 9.0)),
        (C.HEAD_POSE_ROLL, tilted, (20.0, 35.0, 50.0)),
        (C.LEFTWARD_CROP, cropped, (0.0, 0.1, 0.2, 0.3)),
    ],
    ids=lambda value: getattr(value, "__name__", None) or (value.value if isinstance(value, C) else "steps"),
)
def test_a_component_and_the_unified_score_fall_with_their_cause(
    faces: list[Seen], component: Component, spoil: Spoil, steps: tuple[float, ...]
) -> None:
    for seen in faces:
        found = [judge(seen), *(judge(spoil(seen, step)) for step in steps)]
        values = [assessment.components[component] for assessment in found]
        assert values == sorted(values, reverse=True)
        assert values[-1] < values[0]
        unified = [assessment.unified for assessment in found]
        assert all(later <= earlier + 1 for earlier, later in pairwise(unified)), unified  # 1: rounding
        assert unified[-1] < unified[0]


@pytest.mark.parametrize("side", [-1, 1])
def test_yaw_falls_as_the_head_turns(faces: list[Seen], side: int) -> None:
    for seen in faces:
        beyond = 20  # any turn the head has already
        found = [judge(turned(seen, side * (beyond + step))) for step in (0, 20, 40)]
        values = [assessment.components[C.HEAD_POSE_YAW] for assessment in found]
        assert values == sorted(values, reverse=True)
        assert values[-1] < values[0]


@pytest.mark.parametrize(
    ("component", "name", "values"),
    [
        (C.HEAD_POSE_YAW, "yaw", (0, 10, -30, 60, -90, 120)),
        (C.HEAD_POSE_PITCH, "pitch", (0, -10, 30, -60, 90)),
        (C.HEAD_POSE_ROLL, "roll", (0, 10, -30, 60, 90, -180)),
        (C.HEAD_SIZE, "head_size", (0.45, 0.2, 0.1, 0.05, 0.0)),
        (C.HEAD_SIZE, "head_size", (0.7, 0.9, 1.0, 5.0)),
        (C.INTER_EYE_DISTANCE, "inter_eye_distance", (1e9, 90.0, 40.0, 24.0, 16.0, 0.0)),
        (C.LUMINANCE_MEAN, "luminance_mean", (0.5, 0.8, 0.95, 1.0)),
    ],
)
def test_the_scale_is_monotone_over_the_whole_range(
    portraits: list[Seen], component: Component, name: str, values: tuple[float, ...]
) -> None:
    native = measure(*portraits[0])
    found = [assess(*portraits[0], replace(native, **{name: value})).components[component] for value in values]
    assert found == sorted(found, reverse=True)
    assert found[0] >= 95
    assert found[-1] <= 25


def test_a_blue_mask_is_seen(faces: list[Seen]) -> None:
    for seen in faces:
        found = judge(covered(seen, 1.0))
        assert {"mouth_covered", "face_covered"} <= set(found.reasons)
        assert found.components[C.MOUTH_OCCLUSION_PREVENTION] == 0
        assert "mouth_covered" not in judge(seen).reasons


def test_dark_glasses_are_seen(portraits: list[Seen]) -> None:
    for seen in portraits:
        assert "eyes_covered" in judge(covered(seen, 1.0, area=GLASSES, colour=DARK_GLASS)).reasons
        assert "eyes_covered" not in judge(seen).reasons


def test_a_side_in_the_dark_is_named(portraits: list[Seen]) -> None:
    for seen in portraits:
        assert "uneven_light" in judge(one_side_dark(seen, 0.95)).reasons


def test_without_colour_nothing_is_said_of_cover(portraits: list[Seen]) -> None:
    picture, face = portraits[0]
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    values = judge((grey, face)).components
    unknown = (C.NATURAL_COLOUR, C.EYES_VISIBLE, C.MOUTH_OCCLUSION_PREVENTION, C.FACE_OCCLUSION_PREVENTION)
    assert {values[component] for component in unknown} == {NOT_COMPUTED}
    assert judge((grey, face)).reasons == ()


def test_good_faces_give_high_values_and_no_reason(faces: list[Seen]) -> None:
    for seen in faces:
        found = judge(seen)
        assert found.reasons == ()
        assert found.unified >= 80
        assert set(found.components) == set(Component)
        computed = [component for component, value in found.components.items() if value != NOT_COMPUTED]
        assert len(computed) == 20
        assert all(0 <= found.components[component] <= 100 for component in computed)


def test_reasons_begin_with_those_that_bar_a_face(portraits: list[Seen]) -> None:
    seen = blurred(covered(portraits[0], 1.0), 0.2)
    native = measure(*seen)
    for limits in (WINDOW, ENROLMENT):
        found = assess(*seen, native, limits).reasons
        barring = problems(native, limits)
        assert barring
        assert found[: len(barring)] == barring
        assert set(found[len(barring) :]) <= set(HINTS_BELOW)


def test_every_code_is_mapped_and_every_component_is_known() -> None:
    worst = Quality(**{name: kind(-1000) for name, kind in get_type_hints(Quality).items()})
    best = replace(worst, noise=1000.0, luminance_mean=1000.0, yaw=1000.0, roll=1000.0, over_exposure=1000.0)
    codes = {*problems(worst), *problems(best), *HINTS_BELOW}
    assert codes == set(COMPONENTS_OF)
    assert {component for components in COMPONENTS_OF.values() for component in components} <= set(Component)
    assert set(UNIFIED_WEIGHTS) <= set(Component)


@pytest.mark.parametrize("shift", [-2000, 2000])
def test_a_face_beyond_the_picture_is_assessed_without_error(portraits: list[Seen], shift: int) -> None:
    picture, face = portraits[0]
    found = judge((picture, moved(face, np.array([[1, 0, shift], [0, 1, 0.0]]))))
    assert "cut_off" in found.reasons
    assert found.unified < 60
