"""One frame looked at: the zone, the faces in it, and pictures of bounded size."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge_agent.camera.frames import Sight
from edge_agent.sections.core import Limits
from edge_agent.window.eyes import MAX_FACES, PORTRAIT_SIDE, Eyes, cut, portrait, shrink
from edge_agent.window.presence import Background
from models.liveness import crops
from models.results import Box, Face, Picture
from tests.fakes import ListDetector, face_at

PICTURE = cv2.resize(np.random.default_rng(1).integers(0, 255, (160, 214, 3), dtype=np.uint8), (640, 480))
WHOLE = (0.0, 0.0, 1.0, 1.0)


def eyes(*faces: Face, zone: tuple[float, float, float, float] = WHOLE, limits: Limits | None = None, liveness: bool = False) -> Eyes:
    background = Background(quiet_s=1, empty_share=0.02)
    return Eyes(
        detector=ListDetector(faces), zone=zone, limits=limits or Limits(), background=background, idle_interval_s=1, liveness=liveness
    )


def test_a_face_becomes_a_shot() -> None:
    sight = eyes(face_at(300, 200, width=80)).look(PICTURE, 5.0)
    (shot,) = sight.shots
    assert (sight.mono_s, sight.width, sight.height) == (5.0, 640, 480)
    assert shot.chip.shape == (112, 112, 3)
    assert shot.problems == ()


def test_limits_make_problems() -> None:
    sight = eyes(face_at(300, 200, width=80), limits=Limits(min_inter_eye_px=100)).look(PICTURE, 0.0)
    assert sight.shots[0].problems == ("face_too_small",)


def test_doubtful_detections_are_shots_but_no_faces() -> None:
    sight = eyes(face_at(300, 200, score=0.9), face_at(500, 200, score=0.55)).look(PICTURE, 0.0)
    assert (len(sight.shots), sight.faces) == (2, 1)


def painted(mask: tuple[int, int, int]) -> Picture:
    """A plain face of skin, from the nose down in the colour of a mask."""
    picture = PICTURE // 16 + np.array([120, 145, 185], np.uint8)
    picture[204:] = picture[204:] // 16 + np.array(mask, np.uint8)
    return picture


@pytest.mark.parametrize("mask", [(200, 160, 90), (0, 0, 0), (90, 170, 90)])
def test_a_mask_covers(mask: tuple[int, int, int]) -> None:
    bare, masked = (eyes(face_at(300, 200, width=80)).look(frame, 0.0).shots[0] for frame in (painted((120, 145, 185)), painted(mask)))
    assert (bare.covered, masked.covered) == (False, True)


def test_what_would_make_a_face_better_is_a_hint_and_bars_nothing() -> None:
    (shot,) = eyes(face_at(300, 200, width=80)).look(painted((200, 160, 90)), 0.0).shots
    assert "mouth_covered" in shot.hints
    assert not set(shot.hints) & set(shot.problems)


def test_only_the_zone_is_looked_at() -> None:
    sight = eyes(zone=(0.25, 0.5, 0.75, 1.0)).look(PICTURE, 0.0)
    assert (sight.width, sight.height) == (320, 240)


def test_points_that_are_no_face_are_dropped() -> None:
    broken = Face(box=Box(x0=0, y0=0, x1=9, y1=9), score=0.9, landmarks=np.zeros((5, 2), np.float32))
    assert eyes(broken, face_at(300, 200)).look(PICTURE, 0.0).shots[0].box == face_at(300, 200).box


def test_how_a_face_is_presented_is_kept_from_the_whole_zone_and_only_if_asked_for() -> None:
    face = face_at(300, 200, width=80)
    (shot,) = eyes(face, liveness=True).look(PICTURE, 5.0).shots
    assert shot.presented is not None and shot.presented.shot.score is None
    assert (shot.presented.shot.mono_s, shot.presented.shot.landmarks.tolist()) == (5.0, face.landmarks.tolist())
    assert np.array_equal(shot.presented.looks, crops(PICTURE, face.box))
    assert eyes(face).look(PICTURE, 5.0).shots[0].presented is None


@pytest.mark.parametrize("box", [Box(x0=700, y0=10, x1=760, y1=90), Box(x0=10, y0=10, x1=10, y1=90)], ids=["beyond the zone", "empty"])
def test_a_box_without_a_face_in_it_is_dropped_where_liveness_is_judged(box: Box) -> None:
    assert eyes(replace(face_at(300, 200), box=box), liveness=True).look(PICTURE, 0.0).shots == ()


def test_a_crowd_is_bounded() -> None:
    assert len(eyes(*(face_at(300, 200) for _ in range(100))).look(PICTURE, 0.0).shots) == MAX_FACES


@pytest.mark.parametrize("zone", [(0.0, 0.0, 0.001, 0.001), (0.999, 0.999, 1.0, 1.0), WHOLE])
def test_a_zone_is_never_empty(zone: tuple[float, float, float, float]) -> None:
    assert cut(PICTURE[:3, :2], zone).size > 0


@pytest.mark.parametrize("box", [(-50, -50, 20, 20), (600, 440, 700, 500), (-900, -900, -800, -800), (100, 100, 100, 100)])
def test_a_portrait_stays_inside(box: tuple[float, float, float, float]) -> None:
    picture = portrait(PICTURE, Box(x0=box[0], y0=box[1], x1=box[2], y1=box[3]))
    assert min(picture.shape[:2]) >= 1
    assert not np.shares_memory(picture, PICTURE)


def test_large_portraits_are_made_smaller() -> None:
    assert max(portrait(np.zeros((3000, 4000, 3), np.uint8), Box(x0=0, y0=0, x1=2000, y1=2500)).shape[:2]) == PORTRAIT_SIDE
    assert shrink(PICTURE, 1000).shape == PICTURE.shape


class CountingDetector(ListDetector):
    """Counts how often it was asked."""

    asked = 0

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        self.asked += 1
        return super().detect(picture)


class Idle:
    """Eyes before a learnt empty window, a quarter of a second between frames."""

    def __init__(self) -> None:
        self.detector, self.mono_s = CountingDetector(), 0.0
        background = Background(quiet_s=1, empty_share=0.02)
        self.eyes = Eyes(detector=self.detector, zone=WHOLE, limits=Limits(), background=background, idle_interval_s=1)
        while not self.look().ground.learnt:
            pass
        self.asked(4)

    def look(self, picture: Picture = PICTURE, *, serving: bool = False) -> Sight:
        self.mono_s += 0.25
        return self.eyes.look(picture, self.mono_s, serving=serving)

    def asked(self, frames: int, picture: Picture = PICTURE, *, serving: bool = False) -> int:
        """How often faces were searched for in so many frames."""
        before = self.detector.asked
        for _ in range(frames):
            self.look(picture, serving=serving)
        return self.detector.asked - before


def test_an_unchanged_window_is_searched_now_and_then() -> None:
    idle = Idle()
    assert idle.asked(16) == 4
    assert idle.look().ground.learnt


def test_whoever_is_served_is_looked_at_fully_at_once() -> None:
    idle = Idle()
    assert idle.asked(8, serving=True) == 8


def test_whoever_steps_up_is_looked_at_fully_at_once() -> None:
    idle, stepping_up = Idle(), PICTURE.copy()
    stepping_up[200:280, 600:] = 0
    share = 80 * 40 / (480 * 640)
    assert Limits().empty_share / 4 < share < Limits().empty_share
    assert idle.asked(8, stepping_up) == 8


def test_a_face_that_was_found_is_not_lost_from_sight() -> None:
    idle = Idle()
    idle.detector.faces = (face_at(300, 200),)
    idle.asked(4)
    assert idle.asked(8) == 8
    idle.detector.faces = ()
    idle.look()
    assert idle.asked(16) == 4


def test_a_window_that_is_not_learnt_is_searched_always() -> None:
    detector = CountingDetector((face_at(300, 200),))
    one = Eyes(detector=detector, zone=WHOLE, limits=Limits(), background=Background(quiet_s=1, empty_share=0.02), idle_interval_s=9)
    for number in range(8):
        one.look(PICTURE, number / 4, serving=False)
    assert detector.asked == 8
