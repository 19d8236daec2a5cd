"""The drawn attacks: the face is where it is said to be, the room stays what it was, and a seed names one scene."""

import numpy as np
import pytest

from models.results import Box, Picture
from scripts.attack_scenes import KINDS, Kind, scene

ROOM = np.full((480, 640, 3), (90, 160, 60), np.uint8)
BOX = Box(x0=60, y0=50, x1=140, y1=150)
FRAMES = 4


def portrait(colour: tuple[int, int, int]) -> tuple[Picture, Box]:
    """A patch of one colour where the face is, grey around it."""
    picture = np.full((200, 200, 3), 128, np.uint8)
    picture[50:150, 60:140] = colour
    return picture, BOX


RED, BLUE = portrait((20, 20, 220)), portrait((220, 20, 20))


def shown(kind: Kind, seed: int, *faces: tuple[Picture, Box], over: Box | None = None) -> list[tuple[Picture, tuple[float, float]]]:
    return list(scene(faces or (RED,), ROOM, seed, FRAMES, kind=kind, over=over))


def around(picture: Picture, x: float, y: float) -> np.ndarray:
    return np.asarray(picture[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4].reshape(-1, 3).mean(axis=0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_the_face_is_where_it_is_said_to_be(kind: Kind, seed: int) -> None:
    frames = shown(kind, seed)
    assert len(frames) == FRAMES
    for picture, (x, y) in frames:
        blue, green, red = around(picture, x, y)
        assert red > blue + 40 and red > green + 40
        assert picture.shape == ROOM.shape and picture.dtype == np.uint8
        corner = picture[:30, :30].reshape(-1, 3).mean(axis=0)
        assert np.allclose(corner, ROOM[0, 0], atol=6)  # only grain and JPEG


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_names_one_scene(kind: Kind) -> None:
    one, again, other = shown(kind, 1), shown(kind, 1), shown(kind, 2)
    assert all(np.array_equal(a, b) and at == there for (a, at), (b, there) in zip(one, again, strict=True))
    assert not np.array_equal(one[0][0], other[0][0])
    assert not np.array_equal(one[0][0], one[1][0])  # the hand trembles


def test_only_a_screen_shows_a_clip() -> None:
    def colours(kind: Kind) -> list[bool]:
        return [bool((mean := around(picture, x, y))[2] > mean[0]) for picture, (x, y) in shown(kind, 3, RED, BLUE)]

    assert colours("screen") == [True, False, True, False]
    assert colours("print") == colours("cutout") == [True] * FRAMES


def test_of_a_longer_scene_some_moments_are_drawn() -> None:
    frames = list(scene((RED, BLUE), ROOM, 3, 7, every=3))
    colours = [bool((mean := around(picture, x, y))[2] > mean[0]) for picture, (x, y) in frames]
    assert colours == [True, False, True]  # of the clip's pictures 0, 3 and 6


def test_a_cut_out_hides_the_face_that_holds_it() -> None:
    own = Box(x0=280, y0=80, x1=340, y1=155)
    for picture, (x, y) in shown("cutout", 4, over=own):
        assert np.hypot(x - own.centre[0], y - own.centre[1]) < 0.4 * own.width
        assert around(picture, *own.centre)[2] > 120
    beside = [at for _, at in shown("print", 4, over=own)]
    assert beside == [at for _, at in shown("print", 4)]  # a sheet is held anywhere


def test_a_cut_out_has_no_straight_side() -> None:
    """Of a sheet, rows through the upper and the lower part are as wide as those through the middle; of a cut head they are narrower."""

    def width(kind: Kind, share: float) -> float:
        widths = []
        for seed in range(6):
            picture, _ = shown(kind, seed)[0]
            changed = np.abs(picture.astype(int) - ROOM).sum(axis=2) > 60
            rows = np.flatnonzero(changed.sum(axis=1) > 5)
            row = int(rows[0] + share * (rows[-1] - rows[0]))
            widths.append(changed[row].sum() / changed.sum(axis=1).max())
        return float(np.mean(widths))

    assert width("print", 0.15) > 0.8
    assert width("cutout", 0.06) < 0.7


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one face"):
        list(scene([], ROOM, 1))
    with pytest.raises(ValueError, match="not 1 on 'mask'"):
        list(scene([RED], ROOM, 1, kind="mask"))  # type: ignore[arg-type]
