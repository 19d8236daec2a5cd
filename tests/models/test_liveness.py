from pathlib import Path

import numpy as np
import pytest

from models import files
from models.errors import ModelError
from models.liveness import CROP_SIDE, MiniFASNet, crops
from models.manifest import Manifest
from models.pack import Pack
from models.protocols import LivenessNet
from models.results import Box, Picture
from models.session import open_session


@pytest.fixture
def ramp() -> Picture:
    """A picture whose blue says the column and whose green says the row."""
    row, column = np.mgrid[:200, :250]
    return np.ascontiguousarray(np.stack([column, row, row * 0], axis=2).astype(np.uint8))


def spans(looks: np.ndarray) -> list[tuple[int, int, int, int]]:
    """First and last column and row that each crop of `ramp` shows."""
    return [(int(look[..., 0].min()), int(look[..., 0].max()), int(look[..., 1].min()), int(look[..., 1].max())) for look in looks]


def test_crops_reach_so_many_times_beyond_the_face(ramp: Picture) -> None:
    near, wide = spans(crops(ramp, Box(x0=105, y0=80, x1=145, y1=120)))
    assert near == pytest.approx((125 - 48.6, 125 + 48.6, 100 - 43.2, 100 + 43.2), abs=3)
    assert wide == pytest.approx((125 - 72, 125 + 72, 100 - 64, 100 + 64), abs=3)


def test_crops_are_moved_into_the_picture(ramp: Picture) -> None:
    near, _ = spans(crops(ramp, Box(x0=0, y0=160, x1=40, y1=200)))
    assert near == pytest.approx((0, 97, 200 - 86, 200), abs=2)


def test_crops_that_are_larger_than_the_picture_show_what_there_is(ramp: Picture) -> None:
    _, wide = spans(crops(ramp, Box(x0=50, y0=0, x1=200, y1=200)))
    assert wide[2:] == pytest.approx((0, 199), abs=2)


@pytest.mark.parametrize(
    "corners",
    [(10, 10, 10, 20), (20, 20, 10, 30), (float("nan"), 0, 10, 10), (0, 0, float("inf"), 10), (300, 10, 340, 50), (-50, 0, -1, 20)],
)
def test_a_box_without_a_face_is_refused(ramp: Picture, corners: tuple[float, ...]) -> None:
    x0, y0, x1, y1 = corners
    with pytest.raises(ValueError, match="a face box must lie in the picture of 250 x 200"):
        crops(ramp, Box(x0=x0, y0=y0, x1=x1, y1=y1))


def test_any_box_that_touches_the_picture_can_be_cut() -> None:
    random = np.random.default_rng(5)
    for _ in range(2000):
        picture = np.zeros((*random.integers(1, 90, 2), 3), np.uint8)
        height, width = picture.shape[:2]
        x, y = random.uniform(-60, width), random.uniform(-60, height)
        box = Box(x0=x, y0=y, x1=max(x, 0) + random.uniform(0.01, 500), y1=max(y, 0) + random.uniform(0.01, 500))
        assert crops(picture, box).shape == (2, CROP_SIDE, CROP_SIDE, 3)


def test_several_faces_score_as_each_alone(liveness: LivenessNet) -> None:
    looks = np.random.default_rng(0).integers(0, 256, (3, 2, 80, 80, 3), np.uint8)
    together = liveness.score(looks)
    assert together.shape == (3,)
    assert together.dtype == np.float32
    assert ((together >= 0) & (together <= 1)).all()
    assert together == pytest.approx([liveness.score(look[None])[0] for look in looks], abs=1e-5)


def test_no_face_scores_nothing(liveness: LivenessNet) -> None:
    assert liveness.score(np.empty((0, 2, 80, 80, 3), np.uint8)).shape == (0,)


@pytest.mark.parametrize(
    "looks",
    [
        np.zeros((2, 80, 80, 3), np.uint8),
        np.zeros((1, 2, 80, 80, 3), np.float32),
        np.zeros((1, 1, 80, 80, 3), np.uint8),
        np.zeros((0,), np.uint8),
    ],
)
def test_crops_of_another_shape_are_refused(liveness: LivenessNet, looks: np.ndarray) -> None:
    with pytest.raises(ModelError, match="crops are uint8"):
        liveness.score(looks)


def test_its_version_names_both_networks(pack: Pack, liveness: LivenessNet) -> None:
    for name in ("minifasnet-v2", "minifasnet-v1se"):
        assert f"{name}-{pack.hashes[name][:12]}" in liveness.version
    assert len(liveness.version) <= 80


def test_another_network_is_refused(folder: Path, manifest: Manifest) -> None:
    embedder = open_session(files.load(folder, manifest.one("window", "embedder")))
    with pytest.raises(ModelError, match="a MiniFASNet has one output of 3 classes"):
        MiniFASNet(embedder, embedder, "none")
