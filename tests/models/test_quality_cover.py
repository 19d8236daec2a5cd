"""Masks show as a step of colour or lightness between forehead and chin; skin, beards and side light are smaller steps."""

import numpy as np
import pytest

from models.quality_cover import colour_step
from models.results import Picture

SKIN = (140, 165, 205)  # blue, green, red
MASK_CHROMA, MASK_LIGHTNESS = 20.0, 80.0  # where the window's limits stand


def face(lower: tuple[int, int, int], upper: tuple[int, int, int] = SKIN) -> Picture:
    chip = np.full((112, 112, 3), upper, np.uint8)
    chip[62:] = lower
    return chip


def masked(chip: Picture) -> bool:
    chroma, lightness = colour_step(chip)
    return chroma > MASK_CHROMA or lightness > MASK_LIGHTNESS


@pytest.mark.parametrize("mask", [(230, 190, 120), (20, 20, 25), (120, 200, 120)])
def test_masks_are_a_step(mask: tuple[int, int, int]) -> None:
    assert masked(face(mask))


@pytest.mark.parametrize("skin", [SKIN, (120, 140, 180), (110, 125, 160), (150, 175, 215)])
def test_skin_is_none(skin: tuple[int, int, int]) -> None:
    assert not masked(face(skin))


def test_a_grey_camera_shows_masks_by_lightness() -> None:
    assert masked(face((250, 250, 250), (110, 110, 110)))
    assert not masked(face((90, 90, 90), (110, 110, 110)))


def test_one_colour_has_no_step() -> None:
    assert colour_step(face(SKIN)) == (0.0, 0.0)
