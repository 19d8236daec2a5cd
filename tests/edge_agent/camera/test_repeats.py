"""A frozen or looped stream is known by its grain, and nothing else is taken for one."""

from collections.abc import Iterable

import numpy as np
import pytest

from edge_agent.camera.repeats import Repeats
from models.results import Picture

FPS = 5
SEEN = np.random.default_rng(0).integers(0, 255, (40, 32, 24, 3), dtype=np.uint8)


def shown(pictures: Iterable[Picture], repeats: Repeats | None = None, start_s: float = 0.0) -> tuple[Repeats, float]:
    repeats = Repeats(frozen_after_s=1.5, memory_s=60) if repeats is None else repeats
    now_s = start_s
    for now_s, picture in ((start_s + number / FPS, picture) for number, picture in enumerate(pictures)):
        repeats.note(picture, now_s)
    return repeats, now_s


def faults(repeats: Repeats, now_s: float) -> tuple[float | None, float | None]:
    return repeats.frozen_since(now_s), repeats.looped_since()


def test_a_living_stream_is_neither() -> None:
    assert faults(*shown(SEEN)) == (None, None)


def test_a_frozen_picture_is_known_within_two_seconds_at_five_frames_a_second() -> None:
    repeats, now_s = shown([*SEEN[:5], *[SEEN[5]] * 8])
    assert faults(repeats, now_s) == (None, None)
    repeats, now_s = shown([*SEEN[:5], *[SEEN[5]] * 9])
    assert faults(repeats, now_s) == (1.0, None) and now_s - 1.0 < 2
    repeats, now_s = shown(SEEN[6:8], repeats, now_s + 0.2)
    assert faults(repeats, now_s) == (None, None)


def test_one_picture_alone_is_not_frozen() -> None:
    repeats, now_s = shown(SEEN[:1])
    assert repeats.frozen_since(now_s + 60) is None


@pytest.mark.parametrize("length", [2, 7, 40])
def test_pictures_that_come_back_are_a_loop(length: int) -> None:
    repeats, now_s = shown([*SEEN[:length], *(SEEN[number % length] for number in range(10))])
    assert faults(repeats, now_s) == (None, length / FPS)
    repeats, now_s = shown([SEEN[0] // 2], repeats, now_s + 0.2)
    assert faults(repeats, now_s) == (None, None)


def test_a_stream_played_back_and_forth_is_a_loop() -> None:
    assert shown([*SEEN, *SEEN[::-1][1:12]])[0].looped_since() is not None


def test_pictures_that_fill_a_frame_rate_are_none() -> None:
    assert faults(*shown(np.repeat(SEEN, 3, axis=0))) == (None, None)


def test_a_few_that_come_back_by_accident_are_none() -> None:
    assert faults(*shown([*SEEN[:20], *SEEN[:3], *SEEN[20:]])) == (None, None)


def test_what_was_forgotten_is_new() -> None:
    repeats, _ = shown(SEEN)
    assert shown(SEEN, repeats, 100)[0].looped_since() is None


def test_the_dark_holds_no_grain_to_know_it_by() -> None:
    dark = [np.full((32, 24, 3), number % 3, np.uint8) for number in range(40)]
    assert shown(dark)[0].looped_since() is None
