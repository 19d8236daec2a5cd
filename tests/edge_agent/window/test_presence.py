"""The empty window: said only when it was learnt and nothing stands before it."""

import numpy as np

from edge_agent.window.presence import Background, Ground
from models.results import Picture

FPS = 6
QUIET_S = 5.0
SHARE = 0.02


def scene(seed: int, *, person_at: int | None = None, light: int = 0, noise: int = 3) -> Picture:
    """A window with fixed texture and camera noise; the person is a dark upright shape without a face."""
    texture = np.random.default_rng(0).integers(90, 160, (240, 320, 3))
    picture = texture + np.random.default_rng(seed).integers(-noise, noise + 1, texture.shape) + light
    if person_at is not None:
        picture[40:, person_at : person_at + 90] = 30 + np.random.default_rng(seed).integers(-noise, noise + 1, (200, 90, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


def update(background: Background, zone: Picture, mono_s: float, *, face: bool) -> Ground:
    return background.learn(background.compare(zone), mono_s, face=face)


def watch(background: Background, start_s: float, seconds: float, **look: int) -> list[Ground]:
    times = np.arange(start_s, start_s + seconds, 1 / FPS)
    return [update(background, scene(int(t * 100), **look), float(t), face=False) for t in times]


def learnt_background() -> Background:
    background = Background(quiet_s=QUIET_S, empty_share=SHARE)
    assert watch(background, 0, 2 * QUIET_S)[-1].learnt
    return background


def test_nothing_is_known_before_the_quiet_time() -> None:
    background = Background(quiet_s=QUIET_S, empty_share=SHARE)
    assert not any(ground.learnt for ground in watch(background, 0, QUIET_S * 0.9))


def test_an_empty_window_stays_empty() -> None:
    grounds = watch(learnt_background(), 100, 30)
    assert max(ground.foreground for ground in grounds) <= SHARE


def test_a_person_without_a_face_is_foreground() -> None:
    grounds = watch(learnt_background(), 100, 3, person_at=110)
    assert min(ground.foreground for ground in grounds) > 5 * SHARE


def test_a_patient_person_does_not_become_background() -> None:
    grounds = watch(learnt_background(), 100, 90, person_at=110)
    assert min(ground.foreground for ground in grounds) > SHARE


def test_faces_and_movement_put_off_learning() -> None:
    background = Background(quiet_s=QUIET_S, empty_share=SHARE)
    for i in range(int(3 * QUIET_S * FPS)):
        ground = update(background, scene(i), i / FPS, face=i % 20 == 0)
    assert not ground.learnt
    moving = Background(quiet_s=QUIET_S, empty_share=SHARE)
    for i in range(int(3 * QUIET_S * FPS)):
        ground = update(moving, scene(i, person_at=(i * 7) % 220), i / FPS, face=False)
    assert not ground.learnt


def test_slow_daylight_is_followed() -> None:
    background = learnt_background()
    grounds = [update(background, scene(i, light=i // 60), 100 + i / FPS, face=False) for i in range(1200)]
    assert max(ground.foreground for ground in grounds) <= SHARE


def test_light_switched_off_is_not_empty() -> None:
    background = learnt_background()
    dark = update(background, (scene(7) * 0.3).astype(np.uint8), 100.0, face=False)
    assert dark.foreground > SHARE


def test_a_zone_of_another_size_is_taken() -> None:
    background = Background(quiet_s=QUIET_S, empty_share=SHARE)
    assert not update(background, np.zeros((1, 1, 3), np.uint8), 0.0, face=False).learnt
