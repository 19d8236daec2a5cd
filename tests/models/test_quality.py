from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from models.pack import Pack
from models.quality import ENROLMENT, WINDOW, measure, problems
from models.results import Box, Face, Picture, Quality

Change = Callable[[Picture], Picture]


@pytest.fixture(scope="module")
def portrait(demo: Callable[[str], Picture]) -> Picture:
    return demo("demo-person-04-a")


@pytest.fixture(scope="module")
def face(pack: Pack, portrait: Picture) -> Face:
    return pack.detector.detect(portrait)[0]


def test_a_good_portrait_has_no_problems(portrait: Picture, face: Face) -> None:
    quality = measure(portrait, face)
    assert problems(quality, ENROLMENT) == problems(quality, WINDOW) == ()
    assert 0.9 < quality.weight <= 1
    assert quality.head_size == pytest.approx(face.box.height / 512)
    assert max(abs(quality.yaw), abs(quality.pitch), abs(quality.roll)) < 10
    assert quality.inter_eye_distance == pytest.approx(np.hypot(*(face.landmarks[1] - face.landmarks[0])), rel=0.15)


def blur(deviation: float) -> Change:
    return lambda picture: cv2.GaussianBlur(picture, (0, 0), deviation)


def grain(deviation: float) -> Change:
    def add(picture: Picture) -> Picture:
        return np.clip(picture + np.random.default_rng(0).normal(0, deviation, picture.shape), 0, 255).astype(np.uint8)

    return add


def light(factor: float) -> Change:
    return lambda picture: np.clip(picture.astype(float) * factor, 0, 255).astype(np.uint8)


def contrast(factor: float) -> Change:
    return lambda picture: (128 + (picture.astype(float) - 128) * factor).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "changes", "falls"),
    [
        ("sharpness", [blur(d) for d in (0.8, 1.6, 2.4, 3.2)], True),
        ("noise", [grain(d) for d in (4, 8, 16, 32)], False),
        ("luminance_mean", [light(f) for f in (0.75, 0.5, 0.25, 0.1)], True),
        ("under_exposure", [light(f) for f in (0.4, 0.2, 0.1)], False),
        ("over_exposure", [light(f) for f in (1.5, 2, 3)], False),
        ("dynamic_range", [contrast(f) for f in (0.7, 0.4, 0.2)], True),
        ("luminance_variance", [contrast(f) for f in (0.7, 0.4, 0.2)], True),
    ],
    ids=["blur", "grain", "dark", "under", "over", "range", "variance"],
)
def test_each_measure_follows_its_degradation(portrait: Picture, face: Face, name: str, changes: list[Change], falls: bool) -> None:
    values = [getattr(measure(change(portrait), face), name) for change in (lambda picture: picture, *changes)]
    assert values == sorted(values, reverse=falls)
    assert len(set(values)) == len(values)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (blur(3), "blurred"),
        (lambda picture: cv2.blur(picture, (17, 1)), "blurred"),
        (lambda picture: cv2.blur(picture, (1, 17)), "blurred"),
        (grain(20), "noisy"),
        (light(0.08), "too_dark"),
        (light(3), "too_bright"),
        (contrast(0.15), "flat_light"),
    ],
    ids=["out of focus", "moved sideways", "moved up", "grain", "dark", "bright", "flat"],
)
def test_a_spoilt_picture_is_named(portrait: Picture, face: Face, change: Change, code: str) -> None:
    assert code in problems(measure(change(portrait), face), WINDOW)


@pytest.mark.parametrize("size", [1.0, 2.0])
def test_sharpness_in_focus_hardly_depends_on_size(portrait: Picture, face: Face, size: float) -> None:
    larger = cv2.resize(portrait, None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC)
    scaled = Face(box=face.box, score=face.score, landmarks=face.landmarks * np.float32(size))
    assert measure(larger, scaled).sharpness == pytest.approx(measure(portrait, face).sharpness, abs=0.05)


def test_a_face_cut_by_the_edge_is_named(pack: Pack, demo: Callable[[str], Picture]) -> None:
    half = demo("demo-person-01-half-1")
    (face,) = pack.detector.detect(half)
    quality = measure(half, face)
    assert quality.crop_margin < -0.2
    assert problems(quality, WINDOW) == ("cut_off",)


def test_a_profile_is_named(pack: Pack, demo: Callable[[str], Picture]) -> None:
    group = demo("demo-group-01")
    found = [problems(measure(group, face), WINDOW) for face in pack.detector.detect(group)]
    assert sorted(found) == [(), (), (), (), (), ("turned_away",)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"score": 0.1}, "doubtful_face"),
        ({"inter_eye_distance": 5.0}, "face_too_small"),
        ({"yaw": -60.0}, "turned_away"),
        ({"pitch": 60.0}, "turned_away"),
        ({"roll": -60.0}, "tilted"),
        ({"crop_margin": -0.5}, "cut_off"),
    ],
)
def test_every_limit_is_looked_at(portrait: Picture, face: Face, change: dict[str, float], code: str) -> None:
    spoilt: Quality = replace(measure(portrait, face), **change)
    assert problems(spoilt, WINDOW) == (code,)


def test_a_doubtful_face_weighs_less(portrait: Picture, face: Face) -> None:
    weights = [measure(portrait, replace(face, score=score)).weight for score in (0.4, 0.6, 0.8, 0.95)]
    assert weights[0] == 0
    assert weights == sorted(weights)


@pytest.mark.parametrize("shift", [-2000, -300, 300, 2000])
def test_a_face_beyond_the_picture_is_measured_without_error(portrait: Picture, face: Face, shift: int) -> None:
    box = Box(x0=face.box.x0 + shift, y0=face.box.y0, x1=face.box.x1 + shift, y1=face.box.y1)
    away = Face(box=box, score=face.score, landmarks=face.landmarks + np.float32([shift, 0]))
    assert "cut_off" in problems(measure(portrait, away), WINDOW)
