import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.align import chip
from models.errors import ModelError, WeightsMissing, WrongHash
from models.liveness import crops
from models.pack import Pack, load_pack, with_own_embedder
from models.protocols import LivenessNet
from models.results import Picture


def test_a_pack_says_what_it_is_made_of(pack: Pack) -> None:
    assert pack.embedder.version == "mobilefacenet-" + pack.hashes["mobilefacenet"][:12]
    judges = {"minifasnet-v2", "minifasnet-v1se"} if pack.liveness else set()
    assert set(pack.hashes) == {"centerface", "mobilefacenet"} | judges


@pytest.mark.parametrize("gone", ["minifasnet-v2.onnx", "minifasnet-v1se.onnx.json"])
def test_a_missing_liveness_network_leaves_the_rest(liveness: LivenessNet, folder: Path, tmp_path: Path, gone: str) -> None:
    place = shutil.copytree(folder, tmp_path / "models")
    (place / gone).unlink()
    pack = load_pack(place)
    assert pack.liveness is None
    assert set(pack.hashes) == {"centerface", "mobilefacenet"}


def test_a_damaged_liveness_network_is_refused(liveness: LivenessNet, folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "models")
    (place / "minifasnet-v2.onnx").write_bytes(b"damaged")
    with pytest.raises(WrongHash, match="--pack liveness"):
        load_pack(place)


def test_a_folder_without_weights_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="python -m models fetch"):
        load_pack(tmp_path)


def test_a_pack_gives_the_same_numbers_on_one_core_as_on_two(folder: Path, demo: Callable[[str], Picture]) -> None:
    picture = demo("demo-person-01-a")
    one, two = (load_pack(folder, threads=threads) for threads in (1, 2))
    (alone,), (shared,) = (pack.detector.detect(picture) for pack in (one, two))
    assert alone.box == shared.box
    aligned = chip(picture, alone.landmarks)[np.newaxis]
    np.testing.assert_array_equal(one.embedder.describe(aligned)[0], two.embedder.describe(aligned)[0])
    if one.liveness and two.liveness:
        looks = crops(picture, alone.box)[np.newaxis]
        assert one.liveness.score(looks) == two.liveness.score(looks)


def test_a_pack_without_networks(folder: Path) -> None:
    with pytest.raises(ModelError, match="'demo' has 0 items"):
        load_pack(folder, name="demo")


def test_one_flipped_bit_is_refused(folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "models")
    path = place / "mobilefacenet.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(WrongHash, match=r"mobilefacenet\.onnx"):
        load_pack(place)


def test_weights_of_ones_own_compare_under_a_name_of_their_own(pack: Pack, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("insightface", reason="the optional extra `insightface` is not installed")
    path = shutil.copy(folder / "mobilefacenet.onnx", tmp_path / "own.onnx")
    changed = with_own_embedder(pack, path, "Apache-2.0")
    assert changed.embedder.version == "own-" + changed.hashes["own"][:12]
    assert changed.embedder.size == pack.embedder.size
    assert set(changed.hashes) == {*pack.hashes, "own"} - {"mobilefacenet"}
    assert (changed.detector, changed.liveness) == (pack.detector, pack.liveness)


def test_weights_without_a_licence_or_a_file_are_refused(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="name the licence"):
        with_own_embedder(pack, tmp_path / "own.onnx", " ")
    with pytest.raises(WeightsMissing, match=r"own\.onnx is missing"):
        with_own_embedder(pack, tmp_path / "own.onnx", "Apache-2.0")


def test_a_missing_library_is_named(pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "models.insightface_pack", None)
    with pytest.raises(ModelError, match="pip install insightface"):
        with_own_embedder(pack, tmp_path / "own.onnx", "Apache-2.0")
