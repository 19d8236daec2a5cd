import numpy as np
import pytest

from models.liveness_rigid import UNLIKE, change
from models.liveness_track import WINDOW
from tests.chips import EYES, MOUTH, drawn, moved, without

SHOTS = 10


@pytest.mark.parametrize("seed", range(8))
def test_the_same_face_moved_again_and_again_does_not_change(seed: int) -> None:
    random = np.random.default_rng(seed)
    assert change([moved(drawn(seed), random) for _ in range(SHOTS)]) < WINDOW.change


@pytest.mark.parametrize("place", [EYES, MOUTH])
@pytest.mark.parametrize("seed", range(4))
def test_eyes_that_close_once_or_a_mouth_that_opens_is_a_change(seed: int, place: tuple[slice, slice]) -> None:
    random, face = np.random.default_rng(seed), drawn(seed)
    chips = [moved(face, random) for _ in range(SHOTS - 1)]
    assert change([*chips, moved(without(face, place), random)]) > 2 * WINDOW.change
    assert change([moved(without(face, place), random), *chips]) > 2 * WINDOW.change


def test_another_face_is_a_great_change() -> None:
    random = np.random.default_rng(1)
    assert change([moved(drawn(1), random), moved(drawn(2), random)]) > 100 * WINDOW.change


def test_the_very_same_pixels_do_not_change() -> None:
    chip = moved(drawn(), np.random.default_rng(1))
    assert change([chip] * 3) == pytest.approx(0, abs=1e-5)


def test_what_has_nothing_to_hold_on_to_is_never_called_the_same() -> None:
    flat = np.full((112, 112, 3), 120, np.uint8)
    assert change([flat] * SHOTS) == UNLIKE


def test_one_moment_tells_nothing() -> None:
    assert change([]) == change([moved(drawn(), np.random.default_rng(1))]) == float("inf")
