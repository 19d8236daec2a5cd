"""Film in memory: as many pictures as wanted, bounded, and none where none may leave."""

from datetime import timedelta

import cv2
import numpy as np
import pytest

from edge_agent.film.film import COUNT_S, Film
from edge_agent.sections.film import FilmSettings
from models.results import Box, Picture
from tests.edge_agent.building import shot, sight
from tests.fakes import HandClock

ZONE: Picture = np.full((720, 1280, 3), 90, np.uint8)


def film(clock: HandClock, *, keeps: bool = True, **changes: float) -> Film:
    return Film(["W1", "W2"], FilmSettings.model_validate(changes), clock, keeps=keeps)


def show(made: Film, clock: HandClock, seconds: float, fps: float = 6, faces: int = 1) -> None:
    shots = [shot(x=100 + 150 * number) for number in range(faces)]
    for _ in range(round(seconds * fps)):
        clock.pass_s(1 / fps)
        made.note("W1", sight(clock.mono, *shots), ZONE, served=True)


def everything(made: Film) -> list[object]:
    clock_zero = made.at(0)
    return list(made.between("W1", clock_zero, clock_zero + timedelta(days=1)))


def test_pictures_are_small_and_know_their_faces() -> None:
    clock = HandClock()
    made = film(clock)
    show(made, clock, 1)
    newest = made.newest("W1")
    assert newest is not None
    read = cv2.imdecode(np.frombuffer(newest.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert read is not None and read.shape == (360, 640, 3)
    ((left, top, right, bottom),) = newest.faces
    assert (left, right) == pytest.approx((70 / 640, 130 / 640))
    assert 0 < top < bottom < 1
    assert made.shares("W1", Box(x0=0, y0=0, x1=320, y1=200)) == (0, 0, 0.5, 0.5)
    assert made.newest("W2") is None


@pytest.mark.parametrize(("analysed", "wanted", "kept"), [(6, 5, 5), (6, 2, 2), (3, 5, 3), (15, 5, 5)])
def test_as_many_a_second_as_wanted(analysed: float, wanted: float, kept: float) -> None:
    clock = HandClock()
    made = film(clock, fps=wanted)
    show(made, clock, 20, analysed)
    assert len(everything(made)) == pytest.approx(20 * kept, abs=2)


def test_old_pictures_go_and_memory_is_bounded() -> None:
    clock = HandClock()
    made = film(clock, ring_s=30)
    show(made, clock, 60)
    assert len(everything(made)) == pytest.approx(150, abs=2)
    noise = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)
    tight = film(clock, ring_mb=4)
    for _ in range(60):
        clock.pass_s(0.2)
        tight.note("W1", sight(clock.mono), noise, served=False)
    held = tight.between("W1", tight.at(0), tight.at(clock.mono))
    assert 0 < sum(len(one.jpeg) for one in held) <= 4 * 2**20
    assert held[-1].at == tight.at(clock.mono)


def test_faces_are_counted_for_a_moment_only() -> None:
    clock = HandClock()
    made = film(clock)
    assert made.persons("W1") is None
    show(made, clock, 1, faces=2)
    show(made, clock, 1, faces=0)
    assert made.persons("W1") == 2
    clock.pass_s(COUNT_S + 0.1)
    assert made.persons("W1") is None and made.newest("W1") is None


def test_no_picture_is_held_where_none_may_leave() -> None:
    clock = HandClock()
    made = film(clock, keeps=False)
    show(made, clock, 2, faces=3)
    assert everything(made) == [] and made.newest("W1") is None
    assert made.persons("W1") == 3


def test_a_clock_that_is_set_does_not_tear_the_film() -> None:
    clock = HandClock()
    made = film(clock)
    show(made, clock, 5)
    clock.wall += timedelta(hours=3)
    show(made, clock, 5)
    held = made.between("W1", made.at(clock.mono - 10), made.at(clock.mono))
    assert len(held) == pytest.approx(50, abs=2)


def test_it_knows_whether_somebody_is_served() -> None:
    clock = HandClock()
    made = film(clock)
    assert not made.is_served("W1")
    show(made, clock, 1)
    assert made.is_served("W1") and not made.is_served("W2")


def test_where_nobody_settles_no_more_is_held_than_a_roll_call_needs() -> None:
    clock = HandClock()
    made = Film(["W1"], FilmSettings(), clock, keeps=True, unsettling=["W1"])
    show(made, clock, 20)
    assert made.persons("W1") == 1 and made.newest("W1") is not None
    assert len(everything(made)) <= COUNT_S * FilmSettings().fps + 1
