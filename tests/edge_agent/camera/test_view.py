"""The view of a camera: each cause is raised in its time, withdrawn, and not taken for another; people, lamps and dusk raise none."""

from collections.abc import Callable
from itertools import count

import cv2
import numpy as np
import pytest

from edge_agent.camera.view import View
from edge_agent.sections.view import ViewLimits
from models.results import Picture
from scripts.benchmarks.faulty_camera import shop
from scripts.scenes import background

LIMITS = ViewLimits(learn_s=5)
FPS = 4
KNOWN_S = 5.0  # of goal V2
GRAIN = [np.random.default_rng(seed).normal(0, 1.5, (480, 640, 1)).astype(np.float32) for seed in range(5)]

Spoil = Callable[[Picture], Picture]


EMPTY, ELSEWHERE = shop(1), shop(7)


class Post:
    """A learnt view and the time before it."""

    def __init__(self, spoil: Spoil | None = None) -> None:
        self.view, self.now_s, self._number = View(LIMITS), 0.0, count()
        self.see(8, spoil)

    def see(self, seconds: float, spoil: Spoil | None = None) -> list[tuple[str, ...]]:
        """What is raised after each picture, FPS of them a second."""
        told = []
        for _ in range(round(seconds * FPS)):
            self.now_s += 1 / FPS
            self.view.look(self.picture(spoil), self.now_s)
            told.append(tuple(fault.code for fault in self.view.faults))
        return told

    def picture(self, spoil: Spoil | None) -> Picture:
        number = next(self._number)
        seen = EMPTY if spoil is None else spoil(EMPTY)
        grain = np.roll(GRAIN[number % len(GRAIN)], 37 * number, axis=0)[: seen.shape[0], : seen.shape[1]]
        return np.clip(seen + grain, 0, 255).astype(np.uint8)


def blurred(sigma: float) -> Spoil:
    return lambda seen: np.asarray(cv2.GaussianBlur(seen, (0, 0), sigma), np.uint8)


def lit(factor: float) -> Spoil:
    return lambda seen: np.clip(seen * factor, 0, 255).astype(np.uint8)


def moved(across: float = 0, down: float = 0, turn: float = 0, size: float = 1) -> Spoil:
    def spoil(seen: Picture) -> Picture:
        matrix = cv2.getRotationMatrix2D((320, 240), turn, size) + np.array([[0, 0, across], [0, 0, down]])
        return np.asarray(cv2.warpAffine(seen, matrix, (640, 480), borderMode=cv2.BORDER_REFLECT), np.uint8)

    return spoil


def palm(seen: Picture) -> Picture:
    return np.asarray(np.broadcast_to(np.linspace(45, 95, 640)[:, None], seen.shape), np.uint8)


def cloth(seen: Picture) -> Picture:
    """Something unsharp with a pattern of its own, still before the lens."""
    return np.asarray(cv2.GaussianBlur(np.rot90(ELSEWHERE)[:480, :480], (0, 0), 9), np.uint8).repeat(2, axis=1)[:, :640]


@pytest.mark.parametrize(
    ("cause", "spoil"),
    [
        ("covered", lambda seen: np.full_like(seen, 70)),
        ("covered", palm),
        ("covered", cloth),
        ("defocused", blurred(2)),
        ("defocused", blurred(6)),
        ("moved", moved(across=25)),
        ("moved", moved(across=200, down=40)),
        ("moved", moved(turn=8)),
        ("moved", moved(size=1.3)),
        ("moved", lambda _seen: ELSEWHERE),
        ("dark", lit(0.08)),
        ("dark", np.zeros_like),
        ("overexposed", lambda seen: np.clip(seen * 3.0 + 80, 0, 255)),
    ],
)
def test_each_cause_is_raised_within_its_time_alone_and_withdrawn(cause: str, spoil: Spoil) -> None:
    post = Post()
    assert post.view.faults == ()
    begun_s = post.now_s
    told = post.see(KNOWN_S, spoil)
    assert told[-1] == (cause,) and set(told) == {(), (cause,)}
    assert begun_s < post.view.faults[0].since_s <= begun_s + 2
    told = post.see(3)
    assert told[-1] == () and post.see(3) == [()] * 3 * FPS


@pytest.mark.parametrize("spoil", [lit(0.3), lit(1.5), blurred(0.4), moved(across=2)], ids=["dusk", "lamps", "mist", "a nudge"])
def test_what_changes_a_little_raises_nothing(spoil: Spoil) -> None:
    assert set(Post().see(8, spoil)) == {()}


def test_a_person_who_moves_before_most_of_the_view_raises_nothing() -> None:
    post, places = Post(), count()

    def person(seen: Picture) -> Picture:
        held, left = seen.copy(), 40 + round(25 * np.sin(next(places)))
        held[20:, left : left + 500] = cv2.resize(ELSEWHERE, (500, 480))[20:]
        return held

    assert set(post.see(12, person)) == {()}
    assert set(post.see(4)) == {()}


@pytest.mark.parametrize("stay_s", [2, 4, 9])
def test_who_stood_in_a_soft_view_while_it_was_learnt_may_leave_it(stay_s: float) -> None:
    places = count()

    def soft(seen: Picture) -> Picture:
        return background(0)

    def visited(seen: Picture) -> Picture:
        held, left = background(0).copy(), 200 + round(6 * np.sin(next(places) / 3))
        held[100:, left : left + 240] = cv2.resize(ELSEWHERE, (240, 380))
        return held

    post = Post(soft)
    for _ in range(3):
        assert set(post.see(stay_s, visited)) == {()}
        assert set(post.see(4, soft)) == {()}
    post = Post(visited)
    assert set(post.see(12, soft)) == {()}


def test_who_is_always_there_and_leans_to_the_camera_moves_nothing_but_himself() -> None:
    shelf = cv2.resize(ELSEWHERE, (320, 300))

    def seated(size: float) -> Spoil:
        def spoil(seen: Picture) -> Picture:
            held, moments = background(0).copy(), next(places)
            large = cv2.resize(shelf, None, fx=size, fy=size)
            top, left = max(0, 240 - large.shape[0] // 2), max(0, 320 - large.shape[1] // 2 + round(4 * np.sin(moments)))
            part = large[: 480 - top, : 640 - left]
            held[top : top + part.shape[0], left : left + part.shape[1]] = part
            return held

        return spoil

    places = count()
    post = Post(seated(1))
    assert set(post.see(8, seated(1.5))) == {()}
    assert set(post.see(4, seated(1))) == {()}


def test_a_hand_that_passes_raises_nothing() -> None:
    post = Post()
    assert set(post.see(2, palm) + post.see(2) + post.see(2, palm)) == {()}


def test_nothing_is_compared_before_the_view_is_learnt_but_a_cover_is_seen() -> None:
    post = Post(blurred(6))
    assert post.view.faults == ()
    unlearnt = Post(palm)
    assert [fault.code for fault in unlearnt.view.faults] == ["covered"]


def test_a_camera_set_to_another_size_is_learnt_anew() -> None:
    post = Post()
    assert set(post.see(8, lambda seen: np.asarray(cv2.resize(seen, (320, 180)), np.uint8))) == {()}
