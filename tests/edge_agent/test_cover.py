"""Masks are seen by their colour; skin, beards and side light are not taken for masks."""

import numpy as np
import pytest

from edge_agent.cover import colour_step, is_covered
from edge_agent.sections import Limits
from models.results import Picture

SKIN = (140, 165, 205)  # blue, green, red


def face(lower: tuple[int, int, int], upper: tuple[int, int, int] = SKIN) -> Picture:
    chip = np.full((112, 112, 3), upper, np.uint8)
    chip[62:] = lower
    return chip


def covered(chip: Picture) -> bool:
    return is_covered(chip, max_chroma=Limits().cover_chroma, max_lightness=Limits().cover_lightness)


@pytest.mark.parametrize("mask", [(230, 190, 120), (20, 20, 25), (120, 200, 120)])
def test_masks_cover(mask: tuple[int, int, int]) -> None:
    assert covered(face(mask))


@pytest.mark.parametrize("skin", [SKIN, (120, 140, 180), (110, 125, 160), (150, 175, 215)])
def test_skin_does_not_cover(skin: tuple[int, int, int]) -> None:
    assert not covered(face(skin))


def test_a_grey_camera_sees_masks_by_lightness() -> None:
    assert covered(face((250, 250, 250), (110, 110, 110)))
    assert not covered(face((90, 90, 90), (110, 110, 110)))


def test_step_is_zero_for_one_colour() -> None:
    assert colour_step(face(SKIN)) == (0.0, 0.0)
