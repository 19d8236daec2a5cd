import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.align import CHIP_SIDE, TEMPLATE, chip, similarity_transform


@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.05, 20),
    x=st.floats(-5000, 5000),
    y=st.floats(-5000, 5000),
)
def test_transform_finds_the_turn_scale_and_shift_that_were_applied(angle: float, scale: float, x: float, y: float) -> None:
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = TEMPLATE.astype(float) @ linear.T + [x, y]
    found = similarity_transform(TEMPLATE.astype(float), moved)
    assert np.allclose(found, np.column_stack([linear, [x, y]]), atol=1e-6 * (1 + abs(x) + abs(y)))


def test_transform_is_the_least_squares_one() -> None:
    random = np.random.default_rng(3)
    source, target = random.normal(size=(5, 2)), random.normal(size=(5, 2))
    columns = np.concatenate([[[x, -y, 1, 0], [y, x, 0, 1]] for x, y in source])
    a, b, x, y = np.linalg.lstsq(columns, target.ravel(), rcond=None)[0]
    assert np.allclose(similarity_transform(source, target), [[a, -b, x], [b, a, y]])


def test_transform_never_mirrors() -> None:
    mirrored = TEMPLATE * np.float32([-1, 1])
    assert np.linalg.det(similarity_transform(mirrored, TEMPLATE)[:, :2]) > 0


@pytest.mark.parametrize("landmarks", [np.full((5, 2), 7.0), np.full((5, 2), np.nan), np.full((5, 2), np.inf)])
def test_landmarks_without_extent_are_refused(landmarks: np.ndarray) -> None:
    with pytest.raises(ValueError, match="cannot be aligned"):
        similarity_transform(landmarks, TEMPLATE)


def test_chip_of_an_aligned_picture_is_the_picture() -> None:
    picture = np.random.default_rng(5).integers(0, 256, (CHIP_SIDE, CHIP_SIDE, 3), np.uint8)
    assert np.array_equal(chip(picture, TEMPLATE), picture)


def test_chip_brings_each_landmark_to_its_place() -> None:
    picture = np.zeros((400, 500, 3), np.uint8)
    points = TEMPLATE @ np.float32([[0, -2], [2, 0]]) + np.float32([200, 300])
    for x, y in points.round().astype(int):
        picture[y - 2 : y + 3, x - 2 : x + 3] = 255
    aligned = chip(picture, points)
    assert aligned.shape == (CHIP_SIDE, CHIP_SIDE, 3)
    assert all((aligned[y, x] > 200).all() for x, y in TEMPLATE.round().astype(int))


def test_chip_beyond_the_picture_is_black() -> None:
    picture = np.full((CHIP_SIDE, CHIP_SIDE, 3), 255, np.uint8)
    assert not chip(picture, TEMPLATE + np.float32(500)).any()
