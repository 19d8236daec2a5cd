import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.compare import fuse, similarity, top
from models.errors import BadVector

RANDOM = np.random.default_rng(11)


def units(count: int, size: int = 192) -> np.ndarray:
    rows = RANDOM.normal(size=(count, size)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_similarity_of_a_vector_with_itself_and_its_opposite() -> None:
    (vector,) = units(1)
    assert similarity(vector, vector) == pytest.approx(1)
    assert similarity(vector, -vector) == pytest.approx(-1)


@pytest.mark.parametrize(
    "bad",
    [
        np.full(192, np.nan, np.float32),
        np.full(192, np.inf, np.float32),
        np.zeros(192, np.float32),
        np.ones(192, np.float32),
        np.float32(1.0),
        np.empty(0, np.float32),
        units(2),
        units(1, 128)[0],
    ],
    ids=["nan", "inf", "zero", "long", "number", "empty", "table", "other size"],
)
def test_a_bad_vector_never_becomes_a_score(bad: np.ndarray) -> None:
    (good,) = units(1)
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(BadVector):
            similarity(*pair)
    with pytest.raises(BadVector):
        top(units(3), bad)


def test_one_nan_among_good_values_is_refused() -> None:
    (vector,) = units(1)
    vector[100] = np.nan
    with pytest.raises(BadVector, match="length nan"):
        similarity(vector, vector)


def test_fuse_leans_to_the_heavier() -> None:
    first, second = units(2)
    fused = fuse([first, second], [3, 1])
    assert np.linalg.norm(fused) == pytest.approx(1)
    assert similarity(fused, first) > similarity(fused, second)
    assert similarity(fuse([first, second], [1, 0]), first) == pytest.approx(1)


@pytest.mark.parametrize(
    ("vectors", "weights"),
    [
        (units(2), [1]),
        (units(2), [1, -1]),
        (units(2), [0, 0]),
        (units(2), [1, np.nan]),
        (np.empty((0, 192)), []),
        (np.full((1, 192), np.nan), [1]),
        ([units(1)[0] * 2], [1]),
    ],
    ids=["count", "negative", "zero", "nan weight", "none", "nan vector", "not unit"],
)
def test_fuse_refuses(vectors: object, weights: list[float]) -> None:
    with pytest.raises(BadVector):
        fuse(vectors, weights)


def test_fuse_refuses_opposites() -> None:
    (vector,) = units(1)
    with pytest.raises(BadVector, match="cancel"):
        fuse([vector, -vector], [1, 1])


@given(count=st.integers(1, 60), k=st.integers(1, 70), seed=st.integers(0, 1000))
def test_top_equals_sorting_everything(count: int, k: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count + 1, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gallery, query = rows[:-1], rows[-1]
    indices, scores = top(gallery, query, k)
    expected = np.argsort(-(gallery @ query), kind="stable")[:k]
    assert indices.tolist() == expected.tolist()
    assert scores == pytest.approx((gallery @ query)[expected])


def test_top_of_an_empty_gallery_is_empty() -> None:
    indices, scores = top(np.empty((0, 192), np.float32), units(1)[0], 5)
    assert indices.size == scores.size == 0


def test_top_refuses_a_gallery_of_another_network() -> None:
    with pytest.raises(BadVector, match="128"):
        top(units(4, 128), units(1)[0], 1)
