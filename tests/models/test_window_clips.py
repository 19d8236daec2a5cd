"""The real clips of a window: what a fused template must separate, and what must not be taken for the person."""

from collections.abc import Callable, Iterator

import cv2
import pytest

from models.errors import PictureRefused
from models.pack import Pack
from models.quality import WINDOW, measure, problems
from models.results import Picture, Template
from models.template import from_pictures

PERSONS = {
    "again.mkv": "A",
    "yes.mkv": "A",
    "bird.mkv": "B",
    "milk.mkv": "B",
    "book.mkv": "C",
    "walk.mkv": "C",
    "eat.mkv": "D",
    "head-pose-male.gif": "F",
}
Frames = Callable[..., Iterator[Picture]]


@pytest.fixture(scope="module")
def templates(pack: Pack, frames: Frames) -> dict[str, Template]:
    return {clip: from_pictures(pack, frames(clip, step=6)) for clip in PERSONS}


def test_fused_templates_separate_the_persons(templates: dict[str, Template]) -> None:
    same, different = [], []
    for first, one in templates.items():
        for second, other in templates.items():
            if first < second:
                (same if PERSONS[first] == PERSONS[second] else different).append(float(one.vector @ other.vector))
    assert (len(same), len(different)) == (3, 25)
    assert min(same) > 0.85
    assert max(different) < 0.58


def test_the_onlooker_cut_by_the_edge_is_seen_but_never_used(pack: Pack, frames: Frames) -> None:
    beside = [(frame, face) for frame in frames("bird.mkv", step=6) for face in pack.detector.detect(frame) if face.box.centre[0] > 500]
    assert beside
    assert all(face.box.height > 130 for _, face in beside)  # larger than the person at the window
    assert all("cut_off" in problems(measure(frame, face), WINDOW) for frame, face in beside)


@pytest.mark.parametrize("clip", ["again.mkv", "yes.mkv"])
def test_the_printed_skull_is_not_the_best_face(pack: Pack, frames: Frames, clip: str) -> None:
    for frame in frames(clip, step=6):
        assert 75 < pack.detector.detect(frame)[0].box.height < 95


def test_a_person_seen_from_behind_gives_no_template(pack: Pack, frames: Frames) -> None:
    with pytest.raises(PictureRefused) as refused:
        from_pictures(pack, frames("no-face-visitors.gif", step=3))
    assert refused.value.reason in {"no_face", "poor_quality"}


def test_blurred_frames_of_a_person_are_not_used(pack: Pack, frames: Frames) -> None:
    smeared = [cv2.GaussianBlur(frame, (0, 0), 2.5) for frame in frames("milk.mkv", step=10)]
    with pytest.raises(PictureRefused) as refused:
        from_pictures(pack, smeared)
    assert "blurred" in refused.value.problems
