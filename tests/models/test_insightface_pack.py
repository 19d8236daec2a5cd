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


def test_the_library_gives_our_vectors(embedder: Embedder, pack: Pack, demo: Callable[[str], Picture]) -> None:
    group = demo("demo-group-01")
    chips = np.stack([chip(group, face.landmarks) for face in pack.detector.detect(group)])
    assert np.allclose(embedder.embed(chips), pack.embedder.embed(chips), atol=1e-5)
    assert (embedder.version, embedder.size) == (pack.embedder.version, pack.embedder.size)
    assert embedder.embed(chips[:0]).shape == (0, 192)


def test_another_kind_of_network_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="not for an ArcFace embedder"):
        InsightFaceEmbedder(folder / "centerface.onnx", version="wrong")


def test_a_missing_file_is_not_downloaded(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"buffalo\.onnx is missing"):
        InsightFaceEmbedder(tmp_path / "buffalo.onnx", version="x")
