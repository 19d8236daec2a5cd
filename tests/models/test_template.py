import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from models.compare import similarity
from models.errors import PictureRefused
from models.pack import Pack
from models.results import Picture
from models.template import from_picture, from_pictures

Demo = Callable[[str], Picture]


def beside(*pictures: Picture) -> Picture:
    """Pictures in one row, cut to the least height."""
    height = min(picture.shape[0] for picture in pictures)
    return np.ascontiguousarray(np.hstack([picture[:height] for picture in pictures]))


def test_one_picture_of_one_person(pack: Pack, demo: Demo) -> None:
    template = from_picture(pack, demo("demo-person-01-a"))
    assert template.vector.shape == (192,)
    assert template.version == "mobilefacenet-d8ba40c0127f"
    assert template.source == "picture"
    assert similarity(template.vector, from_picture(pack, demo("demo-person-01-c")).vector) > 0.7
    assert similarity(template.vector, from_picture(pack, demo("demo-person-02-a")).vector) < 0.3


@pytest.mark.parametrize(
    ("name", "reason", "problems"),
    [("demo-group-01", "several_faces", ()), ("demo-person-01-half-1", "poor_quality", ("cut_off",))],
)
def test_what_cannot_be_enrolled(pack: Pack, demo: Demo, name: str, reason: str, problems: tuple[str, ...]) -> None:
    with pytest.raises(PictureRefused) as refused:
        from_picture(pack, demo(name))
    assert (refused.value.reason, refused.value.problems) == (reason, problems)


def test_a_picture_without_a_face(pack: Pack) -> None:
    with pytest.raises(PictureRefused) as refused:
        from_picture(pack, np.full((480, 640, 3), 128, np.uint8))
    assert refused.value.reason == "no_face"


def test_several_photos_are_fused_into_one_template(pack: Pack, demo: Demo) -> None:
    names = ["demo-person-01-a", "demo-person-01-b", "demo-person-01-c"]
    template = from_pictures(pack, (demo(name) for name in names))
    singles = [from_picture(pack, demo(name)) for name in names]
    assert template.source == "3 of 3 frames"
    assert min(similarity(template.vector, single.vector) for single in singles) > 0.9
    assert template.quality.weight == max(single.quality.weight for single in singles)


def test_the_person_seen_more_often_is_taken(pack: Pack, demo: Demo) -> None:
    person, passer_by = demo("demo-person-04-a"), demo("demo-person-02-a")
    template = from_pictures(pack, [person, person, beside(person, person[:, :1]), passer_by])
    assert template.source == "3 of 4 frames"
    assert similarity(template.vector, from_picture(pack, person).vector) > 0.95


def test_two_persons_seen_alike_are_not_chosen_between(pack: Pack, demo: Demo) -> None:
    with pytest.raises(PictureRefused) as refused:
        from_pictures(pack, [demo("demo-person-04-a"), demo("demo-person-02-a")])
    assert refused.value.reason == "several_faces"


def test_twins_in_one_frame_stay_two_persons(pack: Pack, demo: Demo) -> None:
    person = demo("demo-person-04-a")
    with pytest.raises(PictureRefused) as refused:
        from_pictures(pack, [beside(person, person)] * 2)
    assert refused.value.reason == "several_faces"


@pytest.mark.parametrize("count", [0, 3])
def test_frames_without_a_face(pack: Pack, count: int) -> None:
    with pytest.raises(PictureRefused, match=f"no face can be seen in {count} frames") as refused:
        from_pictures(pack, [np.zeros((480, 640, 3), np.uint8)] * count)
    assert refused.value.reason == "no_face"


def test_frames_with_only_bad_faces_say_what_is_wrong(pack: Pack, demo: Demo) -> None:
    with pytest.raises(PictureRefused) as refused:
        from_pictures(pack, [demo("demo-person-01-half-1"), demo("demo-person-01-half-2")])
    assert (refused.value.reason, refused.value.problems) == ("poor_quality", ("cut_off",))


def test_frames_are_taken_one_at_a_time(pack: Pack, demo: Demo) -> None:
    given: list[weakref.ref[Picture]] = []

    def photos() -> Iterator[Picture]:
        for _ in range(3):
            assert sum(photo() is not None for photo in given) <= 1
            photo = demo("demo-person-04-a")
            given.append(weakref.ref(photo))
            yield photo
            del photo

    assert from_pictures(pack, photos()).source == "3 of 3 frames"
