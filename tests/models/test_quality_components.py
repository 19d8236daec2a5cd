"""Degradation sweeps over real faces: every component falls as its cause grows, and so does the unified score."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import get_type_hints

import cv2
import numpy as np
import pytest

from models.align import TEMPLATE, chip, similarity_transform
from models.pack import Pack
from models.quality import ENROLMENT, WINDOW, measure, problems
from models.quality_components import COMPONENTS_OF, HINTS_BELOW, NOT_COMPUTED, UNIFIED_WEIGHTS, Assessment, Component, assess
from models.results import Box, Face, Picture, Quality

C = Component
Seen = tuple[Picture, Face]
Spoil = Callable[[Seen, float], Seen]
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


def judge(seen: Seen) -> Assessment:
    return assess(*seen, measure(*seen))


def blurred(seen: Seen, share: float) -> Seen:
    """Out of focus by a share of the distance between the eyes."""
    apart = float(np.hypot(*(seen[1].landmarks[1] - seen[1].landmarks[0])))
    return cv2.GaussianBlur(seen[0], (0, 0), share * apart), seen[1]


def lit(seen: Seen, factor: float) -> Seen:
    return np.clip(seen[0].astype(np.float32) * factor, 0, 255).astype(np.uint8), seen[1]


def flattened(seen: Seen, factor: float) -> Seen:
    return (128 + (seen[0].astype(np.float32) - 128) * factor).astype(np.uint8), seen[1]


def one_side_dark(seen: Seen, loss: float) -> Seen:
    """Light falls off from the middle of the face to the side that is darker already."""
    middle, apart = float(seen[1].landmarks[2, 0]), float(np.hypot(*(seen[1].landmarks[1] - seen[1].landmarks[0])))
    aligned = chip(seen[0], seen[1].landmarks)
    side = 1 if aligned[30:100, 56:90].mean() < aligned[30:100, 22:56].mean() else -1
    ramp = 1 - loss * np.clip(side * (np.arange(seen[0].shape[1]) - middle) / (apart / 10), 0, 1)
    return (seen[0] * ramp[np.newaxis, :, np.newaxis]).astype(np.uint8), seen[1]


def moved(face: Face, matrix: np.ndarray) -> Face:
    """The face after a turn, scale and shift of its picture."""
    corners = np.array([[face.box.x0, face.box.y0], [face.box.x1, face.box.y1]]) @ matrix[:, :2].T + matrix[:, 2]
    (x0, x1), (y0, y1) = np.sort(corners[:, 0]), np.sort(corners[:, 1])
    return replace(
        face, box=Box(x0=x0, y0=y0, x1=x1, y1=y1), landmarks=(face.landmarks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    )


def smaller(seen: Seen, inter_eye: float) -> Seen:
    """The same picture from so far that the eyes are `inter_eye` pixels apart, on a canvas as large as before."""
    factor = inter_eye / measure(*seen).inter_eye_distance
    shrunk = cv2.resize(seen[0], None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    canvas = np.full_like(seen[0], 128)
    canvas[: shrunk.shape[0], : shrunk.shape[1]] = shrunk
    return canvas, moved(seen[1], np.array([[factor, 0, 0], [0, factor, 0]]))


def tilted(seen: Seen, degrees: float) -> Seen:
    middle = tuple(float(value) for value in seen[1].landmarks[2])
    matrix = cv2.getRotationMatrix2D(middle, -degrees, 1.0)
    return cv2.warpAffine(seen[0], matrix, seen[0].shape[1::-1]), moved(seen[1], matrix)


def turned(seen: Seen, degrees: float) -> Seen:
    """The landmarks of the head turned about its own vertical by `degrees`, after the mean face; the pixels stay."""
    landmarks = seen[1].landmarks.copy()
    apart = float(np.hypot(*(landmarks[1] - landmarks[0])))
    landmarks[2, 0] += apart * np.sin(np.radians(degrees)) * 33 / 63
    return seen[0], replace(seen[1], landmarks=landmarks)


def shifted(seen: Seen, share: float) -> Seen:
    """The left edge of the picture cut so that it takes `share` of the square around the face."""
    left = float((similarity_transform(TEMPLATE, seen[1].landmarks) @ np.array([0, 56, 1]))[0])
    side = 112 * float(np.hypot(*similarity_transform(TEMPLATE, seen[1].landmarks)[:, 0]))
    cut = max(0, round(left + share * side))
    return np.ascontiguousarray(seen[0][:, cut:]), moved(seen[1], np.array([[1, 0, -cut], [0, 1, 0.0]]))


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
        (C.LEFTWARD_CROP, shifted, (0.0, 0.1, 0.2, 0.3)),
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


def painted(seen: Seen, corners: list[tuple[int, int]], colour: tuple[int, int, int]) -> Seen:
    """A patch of cloth or glass given in the aligned chip's coordinates."""
    matrix = similarity_transform(TEMPLATE, seen[1].landmarks)
    area = np.column_stack([np.array(corners, float), np.ones(len(corners))]) @ matrix.T
    return cv2.fillPoly(seen[0].copy(), [area.astype(np.int32)], colour), seen[1]


MASK = [(0, 64), (112, 64), (112, 125), (0, 125)]
GLASSES = [(20, 42), (92, 42), (92, 61), (20, 61)]


def test_a_blue_mask_is_seen(faces: list[Seen]) -> None:
    for seen in faces:
        found = judge(painted(seen, MASK, (230, 190, 120)))
        assert {"mouth_covered", "face_covered"} <= set(found.reasons)
        assert found.components[C.MOUTH_OCCLUSION_PREVENTION] == 0
        assert "mouth_covered" not in judge(seen).reasons


def test_dark_glasses_are_seen(portraits: list[Seen]) -> None:
    for seen in portraits:
        assert "eyes_covered" in judge(painted(seen, GLASSES, (15, 10, 10))).reasons
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
    seen = blurred(painted(portraits[0], MASK, (230, 190, 120)), 0.2)
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
