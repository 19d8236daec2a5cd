from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detect import CenterFace, network_input, non_maximum_suppression
from models.pack import Pack
from models.results import Box, Face, Picture
from models.session import open_session

Demo = Callable[[str], Picture]


def test_six_faces_in_the_group(pack: Pack, demo: Demo) -> None:
    faces = pack.detector.detect(demo("demo-group-01"))
    assert len(faces) == 6
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    assert min(face.score for face in faces) > 0.85


def test_landmarks_are_in_the_order_of_the_alignment_template(pack: Pack, demo: Demo) -> None:
    (face,) = pack.detector.detect(demo("demo-person-04-a"))
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < nose[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert all(face.box.x0 < x < face.box.x1 and face.box.y0 < y < face.box.y1 for x, y in face.landmarks)


@pytest.mark.parametrize("size", [(1024, 1024), (300, 333), (600, 480)])
def test_boxes_are_in_picture_pixels_whatever_its_size(pack: Pack, demo: Demo, size: tuple[int, int]) -> None:
    original = demo("demo-person-04-a")
    (expected,) = pack.detector.detect(original)
    (found,) = pack.detector.detect(cv2.resize(original, size))
    stretch = np.array([size[0] / original.shape[1], size[1] / original.shape[0]])
    assert np.abs(found.landmarks / stretch - expected.landmarks).max() < 10
    assert iou_after(found, stretch, expected) > 0.75


def iou_after(found: Face, stretch: np.ndarray, expected: Face) -> float:
    box = found.box
    back = Box(x0=box.x0 / stretch[0], y0=box.y0 / stretch[1], x1=box.x1 / stretch[0], y1=box.y1 / stretch[1])
    return back.iou(expected.box)


def test_a_mirrored_picture_gives_mirrored_landmarks(pack: Pack, demo: Demo) -> None:
    original = demo("demo-person-04-a")
    (face,) = pack.detector.detect(original)
    (mirrored,) = pack.detector.detect(np.ascontiguousarray(original[:, ::-1]))
    expected = face.landmarks[[1, 0, 2, 4, 3]] * [-1, 1] + [original.shape[1] - 1, 0]
    assert np.abs(mirrored.landmarks - expected).max() < 5


@pytest.mark.parametrize("shape", [(480, 640, 3), (1, 1, 3), (1, 4000, 3), (4000, 1, 3), (31, 33, 3)])
def test_no_face_where_there_is_none(pack: Pack, shape: tuple[int, int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert pack.detector.detect(noise) == ()
    assert pack.detector.detect(np.zeros(shape, np.uint8)) == ()


@pytest.mark.parametrize("long_side", [0, -32, 100, 641])
def test_a_long_side_that_the_network_cannot_take_is_refused(folder: Path, long_side: int) -> None:
    with pytest.raises(ValueError, match=f"multiple of 32, not {long_side}"):
        CenterFace(open_session(folder / "centerface.onnx"), long_side=long_side)


def test_input_is_rgb_scaled_and_padded_with_black() -> None:
    picture = np.full((300, 640, 3), (10, 20, 30), np.uint8)
    batch, scale = network_input(picture, 320)
    assert batch.shape == (1, 3, 160, 320)
    assert batch.dtype == np.float32
    assert batch[0, :, 0, 0].tolist() == [30, 20, 10]
    assert not batch[0, :, 150:].any()
    assert scale.tolist() == [0.5, 0.5]


boxes = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 40), st.integers(1, 40), st.integers(0, 100)), min_size=1, max_size=40
)


@given(boxes)
def test_suppression_equals_its_definition(drawn: list[tuple[int, int, int, int, int]]) -> None:
    table = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in drawn], np.float32)
    scores = np.array([score / 100 for *_, score in drawn], np.float32)
    records = [Box(x0=x, y0=y, x1=x + w, y1=y + h) for x, y, w, h, _ in drawn]
    expected: list[int] = []
    for index in sorted(range(len(drawn)), key=lambda index: (-scores[index], index)):
        if all(records[index].iou(records[better]) <= 0.3 + 1e-7 for better in expected):
            expected.append(index)
    assert non_maximum_suppression(table, scores, 0.3 + 1e-7).tolist() == expected


def test_suppression_of_nothing_is_nothing() -> None:
    assert non_maximum_suppression(np.empty((0, 4), np.float32), np.empty(0, np.float32), 0.3).size == 0
