from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.align import chip
from models.embed import MobileFaceNet, unit_rows
from models.errors import ModelError
from models.pack import Pack
from models.results import Picture
from models.session import open_session


def test_vectors_are_unit_rows_and_do_not_depend_on_the_batch(pack: Pack) -> None:
    chips = np.random.default_rng(4).integers(0, 256, (5, 112, 112, 3), np.uint8)
    vectors = pack.embedder.embed(chips)
    assert vectors.shape == (5, pack.embedder.size) == (5, 192)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors, np.concatenate([pack.embedder.embed(one[np.newaxis]) for one in chips]), atol=1e-5)


def test_no_chips_no_vectors(pack: Pack) -> None:
    assert pack.embedder.embed(np.empty((0, 112, 112, 3), np.uint8)).shape == (0, 192)


@pytest.mark.parametrize(
    "chips",
    [
        np.zeros((112, 112, 3), np.uint8),
        np.zeros((1, 112, 112, 3), np.float32),
        np.zeros((1, 3, 112, 112), np.uint8),
        np.zeros((1, 80, 80, 3), np.uint8),
    ],
    ids=["no batch", "float", "channels first", "size"],
)
def test_what_are_no_chips_is_refused(pack: Pack, chips: np.ndarray) -> None:
    with pytest.raises(ModelError, match="chips are uint8"):
        pack.embedder.embed(chips)


def test_one_person_is_near_and_others_are_far(pack: Pack, demo: Callable[[str], Picture]) -> None:
    names = ["demo-person-01-a", "demo-person-01-b", "demo-person-01-c", "demo-person-02-a", "demo-person-03-a", "demo-person-04-a"]
    pictures = [demo(name) for name in names]
    chips = np.stack([chip(picture, pack.detector.detect(picture)[0].landmarks) for picture in pictures])
    table = pack.embedder.embed(chips) @ pack.embedder.embed(chips).T
    assert table[:3, :3].min() > 0.7
    assert (table - np.eye(6))[3:].max() < 0.4


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_failed_vector_never_leaves(value: float) -> None:
    rows = np.ones((2, 4), np.float32)
    rows[1] = value
    with pytest.raises(ModelError, match="zero or not finite"):
        unit_rows(rows)


def test_a_detector_is_not_taken_for_an_embedder(folder: Path) -> None:
    with pytest.raises(ModelError, match="one output of fixed size"):
        MobileFaceNet(open_session(folder / "centerface.onnx"), version="wrong")
