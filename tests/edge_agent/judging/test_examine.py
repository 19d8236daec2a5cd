"""Liveness of a followed face: its best moments scored, all its moments fused, a hanging camera left out."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.camera.frames import Sight
from edge_agent.judging.examine import SCORE_AT_ONCE, Examiner
from edge_agent.judging.judge import QUICK_SHOTS
from edge_agent.window.track import MAX_SIGNS, Follower, Track
from models.liveness_track import WINDOW, LivenessVerdict
from tests.chips import EYES, drawn, moved, without
from tests.edge_agent.building import presented, shot, sight
from tests.fakes import BrightnessLiveness

FPS = 6


def filmed(liveness: float, digests: list[bytes]) -> list[Sight]:
    return [sight(i / FPS, presented(shot(), i / FPS, liveness, digest=digest)) for i, digest in enumerate(digests)]


def track(sights: list[Sight]) -> Track:
    follower = Follower(0.0)
    for one in sights:
        follower.add(one)
    (found,) = follower.real(min_score=0.5, min_frames=1)
    return found


def examined(one: Track, net: BrightnessLiveness | None = None) -> LivenessVerdict:
    found = Examiner(net or BrightnessLiveness(), WINDOW).examine(one, one.best.shots(), "W1")
    assert found is not None
    return found


def different(count: int) -> list[bytes]:
    return [bytes([i % 256, i // 256]) for i in range(count)]


def test_nothing_is_judged_without_a_network() -> None:
    one = track(filmed(0.9, different(12)))
    assert Examiner(None, WINDOW).examine(one, one.best.shots(), "W1") is None


@pytest.mark.parametrize(("liveness", "verdict"), [(0.95, "live"), (0.5, "cannot_judge"), (0.05, "attack")])
def test_the_best_moments_are_scored_a_few_at_once(liveness: float, verdict: str) -> None:
    net, one = BrightnessLiveness(), track(filmed(liveness, different(36)))
    assert examined(one, net).verdict == verdict
    assert sum(net.batches) == len(one.best.shots()) < 36 and max(net.batches) == SCORE_AT_ONCE


def test_a_stream_that_comes_back_is_an_attack_however_live_it_looks() -> None:
    found = examined(track(filmed(0.95, different(8) * 3)))
    assert (found.verdict, found.reasons) == ("attack", ("stream_repeats",))


def test_a_camera_that_hangs_is_no_attack() -> None:
    """It repeats its last picture bit by bit until it counts as lost, then goes on."""
    held = different(18)[-1:] * 30
    found = examined(track(filmed(0.95, [*different(18), *held, *(b"after" + one for one in different(12))])))
    assert found.verdict == "live"


def test_a_picture_that_stands_still_from_the_first_moment_is_neither_live_nor_an_attack() -> None:
    found = examined(track(filmed(0.95, [b"one"] * 30)))
    assert (found.verdict, found.reasons) == ("cannot_judge", ("too_few_shots",))


def test_a_face_without_a_usable_moment_cannot_be_judged() -> None:
    one = track([sight(i / FPS, presented(shot(problems=("blurred",)), i / FPS, 0.9)) for i in range(12)])
    assert examined(one).reasons == ("too_few_shots",)


def test_moments_are_bounded_and_the_best_old_ones_still_count() -> None:
    one = track(filmed(0.95, different(MAX_SIGNS + 200)))
    assert len(one.signs) == MAX_SIGNS
    assert examined(one).verdict == "live"


def test_a_camera_with_limits_of_its_own_is_judged_by_them() -> None:
    one, net = track(filmed(0.6, different(12))), BrightnessLiveness()
    examiner = Examiner(net, WINDOW, {"W2": replace(WINDOW, live=0.5)})
    found = {window: examiner.examine(one, one.best.shots(), window) for window in ("W1", "W2")}
    assert {window: verdict and verdict.verdict for window, verdict in found.items()} == {"W1": "cannot_judge", "W2": "live"}


KEPT = 4  # a moment that is the first of its stretch of time


def held_up(count: int, *, blinks_at: int | None = None) -> Track:
    """Somebody who looks live, holding up a face that moves and, but for one moment, never changes."""
    random, face = np.random.default_rng(3), drawn()
    faces = [without(face, EYES) if number == blinks_at else face for number in range(count)]
    shots = [replace(shot(), chip=moved(one, random)) for one in faces]
    return track([sight(i / FPS, presented(one, i / FPS, 0.95)) for i, one in enumerate(shots)])


@pytest.mark.parametrize("newest", [QUICK_SHOTS, 0])
def test_a_face_that_never_changes_cannot_be_judged_even_at_a_quick_look(newest: int) -> None:
    one = held_up(18)
    found = Examiner(BrightnessLiveness(), WINDOW).examine(one, one.best.shots()[-newest:], "W1")
    assert found is not None
    assert (found.verdict, found.reasons) == ("cannot_judge", ("rigid",))


def test_a_face_that_blinks_or_was_seen_for_a_moment_only_is_live() -> None:
    assert examined(held_up(18, blinks_at=KEPT)).verdict == "live"
    assert examined(held_up(12)).verdict == "live"
