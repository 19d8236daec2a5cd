from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.align import chip
from models.embed import MobileFaceNet, split
from models.errors import ModelError
from models.pack import Pack
from models.results import Picture
from models.session import open_session


def test_vectors_are_unit_rows_and_do_not_depend_on_the_batch(pack: Pack) -> None:
    chips = np.random.default_rng(4).integers(0, 256, (5, 112, 112, 3), np.uint8)
    vectors, strengths = pack.embedder.describe(chips)
    assert vectors.shape == (5, pack.embedder.size) == (5, 192)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for at, one in enumerate(chips):
        vector, strength = pack.embedder.describe(one[np.newaxis])
        assert np.allclose(vector[0], vectors[at], atol=1e-5) and strength == pytest.approx(strengths[at : at + 1], rel=1e-4)


def test_strength_is_the_length_of_what_the_network_gave(pack: Pack, folder: Path) -> None:
    chips = np.random.default_rng(5).integers(0, 256, (3, 112, 112, 3), np.uint8)
    inputs = (np.ascontiguousarray(chips[..., ::-1].transpose(0, 3, 1, 2), np.float32) - 127.5) / 128
    (raw,) = open_session(folder / "mobilefacenet.onnx").run(inputs.astype(np.float32))
    vectors, strengths = pack.embedder.describe(chips)
    assert (strengths.shape, strengths.dtype) == ((3,), np.float32)
    assert np.allclose(vectors * strengths[:, np.newaxis], raw, atol=1e-3)


@pytest.mark.parametrize("name", ["demo-person-01-a", "demo-person-02-a", "demo-person-03-a", "demo-person-04-a"])
def test_a_hidden_face_is_weaker(pack: Pack, demo: Callable[[str], Picture], name: str) -> None:
    """By dark glasses, and by a hand with four fingers: of the colour of skin, so that colour does not tell."""
    picture = demo(name)
    bare = chip(picture, pack.detector.detect(picture)[0].landmarks)
    glasses, hand = bare.copy(), bare.copy()
    glasses[42:61, 20:92] = 15
    hand[70:120, 6:106] = np.median(bare[52:70, 30:82].reshape(-1, 3), axis=0)
    for between in (80, 92, 104):
        hand[between : between + 3, 6:106] = hand[75, 50] * 0.7
    _, (whole, dark, skin) = pack.embedder.describe(np.stack([bare, glasses, hand]))
    assert dark < 0.85 * whole and skin < 0.97 * whole


def test_no_chips_no_vectors(pack: Pack) -> None:
    vectors, strengths = pack.embedder.describe(np.empty((0, 112, 112, 3), np.uint8))
    assert (vectors.shape, strengths.shape) == ((0, 192), (0,))


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
        pack.embedder.describe(chips)


def test_one_person_is_near_and_others_are_far(pack: Pack, demo: Callable[[str], Picture]) -> None:
    names = ["demo-person-01-a", "demo-person-01-b", "demo-person-01-c", "demo-person-02-a", "demo-person-03-a", "demo-person-04-a"]
    pictures = [demo(name) for name in names]
    chips = np.stack([chip(picture, pack.detector.detect(picture)[0].landmarks) for picture in pictures])
    vectors, _ = pack.embedder.describe(chips)
    table = vectors @ vectors.T
    assert table[:3, :3].min() > 0.7
    assert (table - np.eye(6))[3:].max() < 0.4


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_failed_vector_never_leaves(value: float) -> None:
    rows = np.ones((2, 4), np.float32)
    rows[1] = value
    with pytest.raises(ModelError, match="zero or not finite"):
        split(rows)


def test_a_detector_is_not_taken_for_an_embedder(folder: Path) -> None:
    with pytest.raises(ModelError, match="one output of fixed size"):
        MobileFaceNet(open_session(folder / "centerface.onnx"), version="wrong")
