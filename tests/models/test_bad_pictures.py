"""Every kind of picture that people send: through decoding, detection and judgement to a template or a code, never to anything else."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.compare import similarity
from models.errors import PictureRefused
from models.pack import Pack, load_pack
from models.picture import decode
from models.results import Picture, Template
from models.template import from_picture

Demo = Callable[[str], Picture]


@pytest.fixture(scope="module")
def portrait(demo: Demo) -> Picture:
    return demo("demo-person-04-a")


def enrolled(pack: Pack, picture: np.ndarray, ending: str = ".png") -> Template:
    """What becomes of the file of a picture."""
    done, data = cv2.imencode(ending, picture)
    assert done
    return from_picture(pack, decode(bytes(data)))


def crowd(portrait: Picture) -> Picture:
    """Twenty faces in one picture."""
    small = cv2.resize(portrait[:, 60:420], (252, 358))
    return np.tile(small, (4, 5, 1))


@pytest.mark.parametrize(
    ("spoil", "reasons"),
    [
        (lambda picture: np.full_like(picture, 120), {"no_face"}),
        (crowd, {"several_faces"}),
        (lambda picture: np.ascontiguousarray(picture[:, 225:]), {"poor_quality", "no_face"}),
        (lambda picture: np.ascontiguousarray(picture[120:]), {"poor_quality", "no_face"}),
        (lambda picture: np.ascontiguousarray(picture[::-1, ::-1]), {"poor_quality", "no_face"}),
        (lambda picture: np.rot90(picture).copy(), {"poor_quality", "no_face"}),
        (lambda picture: picture[:1, :1], {"too_small"}),
        (lambda picture: cv2.resize(picture, (41, 41)), {"poor_quality", "no_face"}),
        (lambda picture: cv2.GaussianBlur(picture, (0, 0), 12), {"poor_quality", "no_face"}),
        (lambda picture: (picture * 0.03).astype(np.uint8), {"poor_quality", "no_face"}),
        (lambda picture: cv2.resize(picture, (8000, 5001)), {"too_large"}),
    ],
    ids=["no face", "twenty faces", "cut at the left", "cut above", "upside down", "lying", "1x1", "tiny", "blurred", "dark", "large"],
)
def test_what_cannot_be_used_gets_a_code(pack: Pack, portrait: Picture, spoil: Callable[[Picture], Picture], reasons: set[str]) -> None:
    with pytest.raises(PictureRefused) as refused:
        enrolled(pack, spoil(portrait))
    assert refused.value.reason in reasons
    assert bool(refused.value.problems) == (refused.value.reason == "poor_quality")


def test_twenty_faces_are_all_seen_at_the_size_of_enrolment(folder: Path, portrait: Picture) -> None:
    with pytest.raises(PictureRefused, match="shows 20 faces"):
        enrolled(load_pack(folder, long_side=640), crowd(portrait))


@pytest.mark.parametrize(
    ("change", "ending"),
    [
        (lambda picture: cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), ".png"),
        (lambda picture: picture.astype(np.uint16) * 257, ".png"),
        (lambda picture: np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)]), ".png"),
        (lambda picture: np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)]), ".webp"),
        (lambda picture: picture, ".jpg"),
        (lambda picture: picture, ".bmp"),
    ],
    ids=["grey", "16 bit", "alpha", "alpha webp", "jpeg", "bmp"],
)
def test_other_formats_give_the_same_person(pack: Pack, portrait: Picture, change: Callable[[Picture], np.ndarray], ending: str) -> None:
    assert similarity(enrolled(pack, change(portrait), ending).vector, from_picture(pack, portrait).vector) > 0.9


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_portrait_is_called_so(pack: Pack, portrait: Picture, share: float) -> None:
    data = bytes(cv2.imencode(".jpg", portrait)[1])
    with pytest.raises(PictureRefused) as refused:
        from_picture(pack, decode(data[: int(len(data) * share)]))
    assert refused.value.reason == "truncated"


def test_a_face_hidden_behind_transparency_is_no_face(pack: Pack, portrait: Picture) -> None:
    with pytest.raises(PictureRefused) as refused:
        enrolled(pack, np.dstack([portrait, np.zeros(portrait.shape[:2], np.uint8)]))
    assert refused.value.reason == "no_face"
