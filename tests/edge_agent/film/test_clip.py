"""A clip plays elsewhere, keeps the true times, and fits; only the subject can be made out in it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.film.clip import LAST_MS, Stopped, clip, key_frame, unrecognisable, webm
from models.results import Picture
from tests.edge_agent.films import AT, HEIGHT, LEFT, RIGHT, WIDTH, detail, picture, still


def frames_of(made: bytes, folder: Path) -> list[tuple[float, Picture]]:
    """(milliseconds, picture) as another program reads them: FFmpeg inside OpenCV."""
    path = folder / "clip.webm"
    path.write_bytes(made)
    film = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    found: list[tuple[float, Picture]] = []
    while True:
        read, shown = film.read()
        if not read:
            return found
        found.append((round(film.get(cv2.CAP_PROP_POS_MSEC)), shown))


def made_clip(*stills: object, **changes: object) -> bytes:
    fields: dict[str, object] = {"blur": True, "quality": 80, "most_bytes": 10**7, "stop": lambda: False} | changes
    return clip(stills, fields.pop("anchors", ()), **fields)  # type: ignore[arg-type]


def test_another_program_reads_every_picture_at_its_time(tmp_path: Path) -> None:
    seconds = (0.0, 0.2, 0.45, 1.9, 3.8, 5.2, 6.9)
    made = made_clip(*(still(second, shade=20 * number) for number, second in enumerate(seconds)))
    found = frames_of(made, tmp_path)
    assert [at_ms for at_ms, _ in found] == [1000 * second for second in seconds]
    assert [shown.mean() for _, shown in found] == pytest.approx([20 * number for number in range(len(seconds))], abs=3)
    assert found[-1][1].shape == (HEIGHT, WIDTH, 3)


def test_a_hole_is_black_and_no_old_picture(tmp_path: Path) -> None:
    found = frames_of(made_clip(still(0, shade=200), still(10, shade=200)), tmp_path)
    assert [(at_ms, shown.mean() < 5) for at_ms, shown in found] == [(0, False), (1000, True), (10000, False)]


def test_its_length_is_that_of_the_film() -> None:
    made = webm([(0, key_frame(picture(), 60)), (7000, key_frame(picture(), 60))], WIDTH, HEIGHT)
    at = made.index(b"\x44\x89") + 2 + 8
    assert np.frombuffer(made[at : at + 8], ">f8")[0] == 7000 + LAST_MS


def test_what_is_too_large_loses_every_second_picture(tmp_path: Path) -> None:
    stills = [still(number / 5, LEFT) for number in range(20)]
    whole = made_clip(*stills)
    half = made_clip(*stills, most_bytes=len(whole) * 2 // 3)
    assert len(half) <= len(whole) * 2 // 3
    assert [at_ms for at_ms, _ in frames_of(half, tmp_path)] == [400 * number for number in range(10)]


def test_only_the_subject_can_be_made_out(tmp_path: Path) -> None:
    stills = [still(number / 5, LEFT, RIGHT) for number in range(10)]
    for anchors, seen in (([(AT, LEFT)], (True, False)), ([], (False, False))):
        for _, shown in frames_of(made_clip(*stills, anchors=anchors), tmp_path):
            assert (detail(shown, LEFT) > 60, detail(shown, RIGHT) > 60) == seen
            assert detail(shown, RIGHT) < 25
    for _, shown in frames_of(made_clip(*stills, blur=False), tmp_path):
        assert min(detail(shown, LEFT), detail(shown, RIGHT)) > 60


def test_a_picture_in_which_the_detector_missed_a_bystander_is_blurred_too(tmp_path: Path) -> None:
    stills = [still(number / 5, *((LEFT,) if number == 4 else (LEFT, RIGHT)), shown=(LEFT, RIGHT)) for number in range(9)]
    assert all(detail(shown, RIGHT) < 25 for _, shown in frames_of(made_clip(*stills, anchors=[(AT, LEFT)]), tmp_path))


def test_it_stops_when_it_is_told_to() -> None:
    with pytest.raises(Stopped):
        made_clip(still(0), still(1), stop=lambda: True)


def test_no_pictures_make_no_clip() -> None:
    with pytest.raises(ValueError, match="no pictures"):
        made_clip()


def test_a_size_that_changes_does_not_tear_the_clip(tmp_path: Path) -> None:
    other = still(0.2)
    small = type(other)(at=other.at, jpeg=cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes(), faces=())
    assert {shown.shape for _, shown in frames_of(made_clip(still(0), small), tmp_path)} == {(HEIGHT, WIDTH, 3)}


def test_no_face_is_left_in_a_roll_call() -> None:
    shown = unrecognisable(still(0, LEFT, RIGHT))
    assert max(detail(shown, LEFT), detail(shown, RIGHT)) < 25
