import shutil
from pathlib import Path

import pytest

from models.errors import ModelError, WeightsMissing, WrongHash
from models.pack import Pack, load_pack
from models.protocols import LivenessNet


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
