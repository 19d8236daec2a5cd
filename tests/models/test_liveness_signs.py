import cv2
import numpy as np
import pytest

from models.align import TEMPLATE
from models.liveness import crops
from models.liveness_signs import ABOVE, SIZE_OF_SPREAD, PresentationSigns, look
from models.results import Box, Picture, Points

FACE = Box(x0=270, y0=200, x1=350, y1=300)


def room() -> Picture:
    """A soft background with grain and no straight line."""
    random = np.random.default_rng(1)
    clouds = cv2.resize(random.uniform(60, 200, (6, 8, 3)).astype(np.float32), (640, 480), interpolation=cv2.INTER_CUBIC)
    return np.clip(clouds + random.normal(0, 3, clouds.shape), 0, 255).astype(np.uint8)


def with_phone(tilt_deg: float, width: int = 150) -> Picture:
    picture = room()
    corners = cv2.boxPoints(((310, 260), (width, 300), tilt_deg)).astype(np.int32)
    cv2.polylines(picture, [corners], isClosed=True, color=(15, 15, 15), thickness=9, lineType=cv2.LINE_AA)
    return picture


def landmarks(box: Box) -> Points:
    """Of a frontal face that fills this box."""
    size = max(box.width, 0.8 * box.height)
    shape = TEMPLATE - TEMPLATE.mean(axis=0)
    spread = np.sqrt((shape**2).sum(axis=1).mean())
    return (shape * size / SIZE_OF_SPREAD / spread + box.centre + np.array([0, ABOVE * size])).astype(np.float32)


def signs(picture: Picture, box: Box = FACE) -> PresentationSigns:
    return look(picture, landmarks(box), crops(picture, box))


@pytest.mark.parametrize("tilt", [-22.0, -8.0, 0.0, 8.0, 22.0])
def test_a_phone_has_a_border(tilt: float) -> None:
    assert signs(with_phone(tilt)).border > 0.3


def test_a_room_has_none() -> None:
    assert signs(room()).border == 0


def test_one_line_is_no_border() -> None:
    picture = room()
    cv2.line(picture, (230, 0), (230, 479), (10, 10, 10), 9)
    assert signs(picture).border == 0


def test_lines_that_are_not_parallel_are_no_border() -> None:
    picture = room()
    cv2.line(picture, (250, 100), (190, 400), (10, 10, 10), 9)
    cv2.line(picture, (370, 100), (430, 400), (10, 10, 10), 9)
    assert signs(picture).border == 0


def test_a_border_far_away_does_not_count() -> None:
    assert signs(with_phone(0, width=600)).border == 0


@pytest.mark.parametrize("box", [Box(x0=-30, y0=-30, x1=30, y1=40), Box(x0=600, y0=440, x1=700, y1=560), Box(x0=5, y0=5, x1=6, y1=6)])
def test_a_face_at_the_edge_or_tiny_is_looked_at_too(box: Box) -> None:
    assert 0 <= signs(room(), box).border <= 1.5


def test_landmarks_on_one_point_are_no_face() -> None:
    with pytest.raises(ValueError, match="on one point"):
        look(room(), np.full((5, 2), 100, np.float32), crops(room(), FACE))


def test_the_digest_tells_one_grey_level_of_one_pixel() -> None:
    picture = room()
    changed = picture.copy()
    changed[240:260, 300:320] ^= 1
    assert signs(picture).digest == signs(picture.copy()).digest != signs(changed).digest
