"""People are counted by where their faces were, and nothing of the faces is kept."""

import csv
import os
from collections.abc import Iterable, Iterator
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from contract.events import CameraRole
from edge_agent.camera.coverage import Coverage, People
from edge_agent.camera.frames import Sight
from edge_agent.replay import WHOLE, frames
from edge_agent.sections.core import Limits, Times
from edge_agent.window.census import LOOKED_AWAY_S, STAYED_S, Counted, Headcounter
from edge_agent.window.track import MAX_GAP_S
from edge_agent.window.vacancy import Vacancy
from edge_agent.wiring import new_eyes
from models.files import default_folder
from models.pack import Pack, load_pack
from models.results import Picture
from tests.edge_agent.building import shot, sight
from tests.fakes import HandClock

CLIPS = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[4] / "shared")) / "data" / "window"
FPS = 6
WINDOW, ENTRANCE = CameraRole.WINDOW, CameraRole.ENTRANCE
NOBODY = (0, 0, 0)


def count(sights: Iterable[Sight], role: CameraRole = WINDOW) -> tuple[int, int, int]:
    """Entered, stayed, most at once."""
    counter = Headcounter(role, Limits())
    added = reduce(People.add, (counter.add(one) for one in sights))
    return added.entered, added.stayed, added.most_at_once


def standing(seconds: float, *places: float, since_s: float = 0.0) -> list[Sight]:
    return [sight(since_s + i / FPS, *(shot(x) for x in places)) for i in range(round(seconds * FPS) + 1)]


def test_who_stays_is_counted_once_as_both() -> None:
    assert count(standing(STAYED_S - 0.5, 320)) == (1, 0, 1)
    assert count(standing(STAYED_S + 60, 320)) == (1, 1, 1)


def test_two_beside_each_other_are_two() -> None:
    assert count(standing(STAYED_S, 150, 450)) == (2, 2, 2)
    assert count([*standing(2, 150), *standing(2, 450, since_s=10)]) == (2, 0, 1)


def test_who_looks_down_for_a_moment_is_the_same_and_who_comes_back_is_not() -> None:
    away_s = LOOKED_AWAY_S - 0.5
    assert count([*standing(3, 320), *standing(3, 320, since_s=3 + away_s)]) == (1, 1, 1)
    assert count([*standing(3, 320), *standing(3, 320, since_s=3 + LOOKED_AWAY_S + 0.5)]) == (2, 0, 1)


def test_at_an_entrance_the_next_one_follows_soon() -> None:
    sights = [one for number in range(5) for one in standing(1, 320, since_s=number * (1 + MAX_GAP_S + 0.5))]
    assert count(sights, ENTRANCE) == (5, 0, 1) and count(sights, WINDOW) == (1, 1, 1)


def test_who_walks_through_is_one() -> None:
    assert count((sight(i / FPS, shot(60 + 25 * i)) for i in range(20)), ENTRANCE) == (1, 0, 1)


@pytest.mark.parametrize(
    "seen",
    [shot(score=0.6), shot(problems=("cut_off",))],
    ids=["a print", "something at the edge of the picture"],
)
def test_what_is_no_face_is_nobody(seen: object) -> None:
    assert count(sight(i / FPS, seen) for i in range(60)) == NOBODY  # type: ignore[arg-type]


def test_a_face_seen_for_a_moment_only_is_nobody() -> None:
    assert count([sight(0, shot()), sight(0.2, shot()), *(sight(1 + i, foreground=0.5) for i in range(9))]) == NOBODY


def test_who_steps_into_the_picture_counts_once_whole() -> None:
    entering = [sight(i / FPS, shot(20 + 10 * i, problems=("cut_off",))) for i in range(4)]
    assert count([*entering, *(sight((4 + i) / FPS, shot(60 + 10 * i)) for i in range(4))]) == (1, 0, 1)


def test_nothing_of_a_face_is_kept() -> None:
    counter = Headcounter(WINDOW, Limits())
    for one in standing(STAYED_S, 320):
        counter.add(one)
    held = [value for passer in counter._passers for value in (getattr(passer, name) for name in passer.__slots__)]
    assert held and not any(isinstance(value, np.ndarray) for value in held)
    assert {type(value).__name__ for value in held} <= {"Box", "float", "int", "bool"}


class Till:
    """Sessions that only remember what they heard of."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Sight, Picture]] = []

    def observe(self, window: str, sight: Sight, picture: Picture) -> None:
        self.seen.append((window, sight, picture))

    def is_serving(self, window: str) -> bool:
        return window == "W1"


def test_each_hour_has_its_own_count() -> None:
    clock, till = HandClock(), Till()
    clock.pass_s(1800)
    coverage = Coverage(["W1"], Vacancy(["W1"], empty_share=0.02, gap_s=2), clock)
    counted = Counted(till, {"W1": ENTRANCE}, Limits(), coverage)
    picture: Picture = np.zeros((4, 4, 3), np.uint8)
    for begun_s, people in ((0.0, 1), (100.0, 2), (3700.0, 1)):
        clock.pass_s(begun_s + 1800 - clock.mono_s())
        for _ in range(2 * FPS):
            coverage.note("W1", [])
            counted.observe("W1", sight(clock.mono_s(), *(shot(100 + 200 * each) for each in range(people))), picture)
            clock.pass_s(1 / FPS)
    first, second = coverage.close()
    assert first.people == People(role=ENTRANCE, entered=3, stayed=0, most_at_once=2)
    assert second.people == People(role=ENTRANCE, entered=1, stayed=0, most_at_once=1)
    assert len(till.seen) == 6 * FPS and counted.is_serving("W1") and not counted.is_serving("W2")


@pytest.fixture(scope="module")
def pack() -> Pack:
    if not CLIPS.is_dir():
        pytest.skip(f"the clips are not at hand: {CLIPS} does not exist; set SHARED_DIR")
    return load_pack(default_folder())


def looked(pack: Pack, pictures: Iterator[tuple[float, Picture]]) -> Iterator[Sight]:
    """What the eyes of a window see of a recording, so many frames a second of its own time."""
    eyes, due_s = new_eyes(pack, WHOLE, Limits(), Times(), judged=False), 0.0
    for mono_s, picture in pictures:
        if mono_s >= due_s:
            due_s += 1 / FPS
            yield eyes.look(picture, mono_s)


def to_and_fro(clip: Path, seconds: float) -> Iterator[tuple[float, Picture]]:
    """The clip forward and backward again and again: real pictures of somebody who stays."""
    shown = list(frames(clip))
    interval_s = shown[1][0] - shown[0][0]
    for number in range(round(seconds / interval_s)):
        place = number % (2 * len(shown) - 2)
        yield number * interval_s, shown[min(place, 2 * len(shown) - 2 - place)][1]


def test_every_real_clip_is_counted_as_it_is_labelled(pack: Pack) -> None:
    with (CLIPS / "labels.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["file"]: int(row["faces"]) for row in csv.DictReader(file)}
    counted = {name: count(looked(pack, frames(CLIPS / name))) for name in labels}
    for name, faces in labels.items():
        print(f"{name}: {faces} faces in truth, counted {counted[name]}")
    assert {name: (found[0], found[2]) for name, found in counted.items()} == {name: (faces, faces) for name, faces in labels.items()}
    assert not any(found[1] for found in counted.values()), "no clip lasts as long as somebody who stays"


def test_somebody_real_who_stays_and_two_side_by_side(pack: Pack) -> None:
    assert count(looked(pack, to_and_fro(CLIPS / "walk.mkv", STAYED_S + 1))) == (1, 1, 1)
    pairs = zip(frames(CLIPS / "yes.mkv"), frames(CLIPS / "milk.mkv"), strict=False)
    both = ((mono_s, np.hstack([one, other])) for (mono_s, one), (_, other) in pairs)
    assert count(looked(pack, both)) == (2, 0, 2)
