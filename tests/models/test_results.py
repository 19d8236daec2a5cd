import dataclasses

import pytest

from models.results import Box

UNIT = Box(x0=0, y0=0, x1=2, y1=1)


def test_box_measures() -> None:
    assert (UNIT.width, UNIT.height, UNIT.area, UNIT.centre) == (2, 1, 2, (1, 0.5))


def test_box_turned_inside_out_is_empty() -> None:
    assert Box(x0=5, y0=5, x1=1, y1=9).area == 0


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (UNIT, 1.0),
        (Box(x0=1, y0=0, x1=3, y1=1), 1 / 3),
        (Box(x0=2, y0=0, x1=4, y1=1), 0.0),
        (Box(x0=9, y0=9, x1=9, y1=9), 0.0),
    ],
)
def test_iou(other: Box, expected: float) -> None:
    assert UNIT.iou(other) == pytest.approx(expected)
    assert other.iou(UNIT) == pytest.approx(expected)


def test_iou_of_two_empty_boxes_is_no_division_by_zero() -> None:
    empty = Box(x0=1, y0=1, x1=1, y1=1)
    assert empty.iou(empty) == 0


def test_results_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        UNIT.x0 = 3  # type: ignore[misc]
