from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.align import chip
from models.errors import ModelError, WeightsMissing
from models.pack import Pack
from models.protocols import Embedder
from models.results import Picture

pytest.importorskip("insightface", reason="the optional extra `insightface` is not installed")
from models.insightface_pack import InsightFaceEmbedder


@pytest.fixture(scope="module")
def embedder(folder: Path, pack: Pack) -> Embedder:
    return InsightFaceEmbedder(folder / "mobilefacenet.onnx", version=pack.embedder.version, spread=128)


def test_the_library_gives_our_vectors_and_strengths(embedder: Embedder, pack: Pack, demo: Callable[[str], Picture]) -> None:
    group = demo("demo-group-01")
    chips = np.stack([chip(group, face.landmarks) for face in pack.detector.detect(group)])
    (theirs, strong), (ours, strengths) = embedder.describe(chips), pack.embedder.describe(chips)
    assert np.allclose(theirs, ours, atol=1e-5) and np.allclose(strong, strengths, rtol=1e-4)
    assert (embedder.version, embedder.size) == (pack.embedder.version, pack.embedder.size)
    assert [part.shape for part in embedder.describe(chips[:0])] == [(0, 192), (0,)]


def test_another_kind_of_network_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="not for an ArcFace embedder"):
        InsightFaceEmbedder(folder / "centerface.onnx", version="wrong")


def test_a_missing_file_is_not_downloaded(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"buffalo\.onnx is missing"):
        InsightFaceEmbedder(tmp_path / "buffalo.onnx", version="x")
