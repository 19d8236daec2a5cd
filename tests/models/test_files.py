import json
from dataclasses import replace
from pathlib import Path

import pytest

from models import files
from models.errors import VersionMismatch, WeightsMissing, WrongHash
from models.manifest import Archive, Item

ITEM = Item(
    name="net",
    role="embedder",
    file="net.onnx",
    sha256="ab" * 32,
    licence="MIT",
    input="",
    archive=Archive(kind="npm", package="p", version="1"),
    member="package/net",
    converter="convert_net",
    revision=1,
)
CONTENT = b"weights" * 1000


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    files.store(tmp_path, ITEM, CONTENT)
    return tmp_path


def test_what_was_stored_is_loaded(stored: Path) -> None:
    assert files.load(stored, ITEM) == CONTENT
    assert sorted(path.name for path in stored.iterdir()) == ["net.onnx", "net.onnx.json"]


@pytest.mark.parametrize("gone", ["net.onnx", "net.onnx.json"])
def test_a_missing_file_is_named_with_the_way_out(stored: Path, gone: str) -> None:
    (stored / gone).unlink()
    with pytest.raises(WeightsMissing, match=f"{gone} is missing; .*python -m models fetch"):
        files.load(stored, ITEM)


@pytest.mark.parametrize("content", [CONTENT[:-1], b"", CONTENT + b"x", b"X" + CONTENT[1:]], ids=["cut", "empty", "longer", "changed"])
def test_a_changed_file_is_refused(stored: Path, content: bytes) -> None:
    (stored / "net.onnx").write_bytes(content)
    with pytest.raises(WrongHash, match=files.sha256(content)):
        files.load(stored, ITEM)


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b"{}", b'{"sha256": 1, "extra": 2}', b"\xff\xfe"])
def test_a_damaged_record_is_refused(stored: Path, record: bytes) -> None:
    (stored / "net.onnx.json").write_bytes(record)
    with pytest.raises(WrongHash, match=r"net\.onnx\.json is damaged"):
        files.load(stored, ITEM)


@pytest.mark.parametrize("wanted", [replace(ITEM, revision=2), replace(ITEM, sha256="cd" * 32)], ids=["converter", "source"])
def test_weights_of_another_making_are_refused(stored: Path, wanted: Item) -> None:
    with pytest.raises(VersionMismatch, match="convert_net/1"):
        files.load(stored, wanted)


def test_a_part_of_a_file_never_has_its_name(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_cut(*_: object) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(files.os, "fsync", power_cut)
    with pytest.raises(OSError, match="power cut"):
        files.store(stored, ITEM, b"newer")
    assert (stored / "net.onnx").read_bytes() == CONTENT
    with pytest.raises(WeightsMissing):
        files.load(stored, ITEM)


def test_the_folder_is_the_environments_or_the_projects() -> None:
    assert files.default_folder({"MODELS_DIR": "/srv/nets"}) == Path("/srv/nets")
    assert files.default_folder({}) == files.default_folder({"MODELS_DIR": ""}) == Path(__file__).resolve().parents[2] / "var" / "models"


def test_the_record_says_where_it_came_from(stored: Path) -> None:
    record = json.loads((stored / "net.onnx.json").read_bytes())
    assert record == {"source_sha256": ITEM.sha256, "converter": "convert_net/1", "sha256": files.sha256(CONTENT)}
