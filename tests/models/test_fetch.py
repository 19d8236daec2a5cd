"""Fetching from a mirror folder with archives made here, of the shapes that registries serve; the real clients run in test_registry."""

import io
import multiprocessing
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from models import files
from models.errors import FetchFailed, ModelError, WrongHash
from models.fetch import fetch
from models.manifest import Manifest, parse_manifest

CONTENT = {"wheel": b"in the wheel", "sdist": b"in the source", "npm": b"in the tarball"}
MEMBERS = {"wheel": "a_wheel/data/one.bin", "sdist": "source-2.0/tests/two.bin", "npm": "package/assets/three.bin"}
ARCHIVES = {"wheel": "a_wheel-1.0-py3-none-any.whl", "sdist": "source-2.0.tar.gz", "npm": "scope-thing-3.0.tgz"}


def manifest_of(contents: dict[str, bytes]) -> Manifest:
    archives = f"""
[packs]
all-kinds = ["wheel", "sdist", "npm"]
[archives.wheel]
kind = "pip_wheel"
package = "a-wheel"
version = "1.0"
[archives.sdist]
kind = "pip_sdist"
package = "source"
version = "2.0"
sha256 = "{"0" * 64}"
[archives.npm]
kind = "npm"
package = "@scope/thing"
version = "3.0"
"""
    items = [
        f"""
[items.{name}]
role = "picture"
file = "{name}.bin"
sha256 = "{files.sha256(content)}"
licence = "MIT"
input = "test"
archive = "{name}"
member = "{MEMBERS[name]}"
"""
        for name, content in contents.items()
    ]
    return parse_manifest(archives + "".join(items))


def tarball(path: Path, member: str, content: bytes) -> None:
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo(member)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    place = tmp_path / "mirror"
    place.mkdir()
    with zipfile.ZipFile(place / ARCHIVES["wheel"], "w") as wheel:
        wheel.writestr(MEMBERS["wheel"], CONTENT["wheel"])
    tarball(place / ARCHIVES["sdist"], MEMBERS["sdist"], CONTENT["sdist"])
    tarball(place / ARCHIVES["npm"], MEMBERS["npm"], CONTENT["npm"])
    return place


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "models"


MANIFEST = manifest_of(CONTENT)


def kept(place: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in place.glob("*.bin")}


def test_archives_of_all_kinds(mirror: Path, place: Path) -> None:
    lines: list[str] = []
    paths = fetch("all-kinds", place, mirror, lines.append, MANIFEST)
    assert kept(place) == CONTENT
    assert paths == tuple(place / f"{name}.bin" for name in CONTENT)
    assert sorted(lines) == ["npm.bin: verified", "sdist.bin: verified", "wheel.bin: verified"]


def test_bare_members(tmp_path: Path, place: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name, content in CONTENT.items():
        (bare / Path(MEMBERS[name]).name).write_bytes(content)
    fetch("all-kinds", place, bare, manifest=MANIFEST)
    assert kept(place) == CONTENT


def test_the_second_time_nothing_is_taken(mirror: Path, place: Path, tmp_path: Path) -> None:
    fetch("all-kinds", place, mirror, manifest=MANIFEST)
    before = {path: path.stat().st_mtime_ns for path in place.iterdir() if path.name != ".lock"}
    lines: list[str] = []
    empty = tmp_path / "empty"
    empty.mkdir()
    fetch("all-kinds", place, empty, lines.append, MANIFEST)
    assert len(lines) == 3
    assert all(line.endswith("already there") for line in lines)
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("damage", [b"", b"in the whe", b"in the wheeX"])
def test_a_damaged_file_is_taken_again(mirror: Path, place: Path, damage: bytes) -> None:
    fetch("all-kinds", place, mirror, manifest=MANIFEST)
    (place / "wheel.bin").write_bytes(damage)
    fetch("all-kinds", place, mirror, manifest=MANIFEST)
    assert kept(place) == CONTENT


def test_a_wrong_hash_is_refused_and_not_kept(mirror: Path, place: Path) -> None:
    expected = manifest_of(CONTENT | {"wheel": b"something else"})
    with pytest.raises(WrongHash) as refused:
        fetch("all-kinds", place, mirror, manifest=expected)
    message = str(refused.value)
    assert files.sha256(CONTENT["wheel"]) in message
    assert files.sha256(b"something else") in message
    assert "wheel" not in kept(place)


def test_interrupted_then_run_again(mirror: Path, place: Path) -> None:
    (mirror / ARCHIVES["wheel"]).rename(mirror / "away")
    with pytest.raises(FetchFailed, match=r"neither a-wheel-1\.0-\*\.whl nor one\.bin is in .*mirror"):
        fetch("all-kinds", place, mirror, manifest=MANIFEST)
    first = kept(place)
    (mirror / "away").rename(mirror / ARCHIVES["wheel"])
    fetch("all-kinds", place, mirror, manifest=MANIFEST)
    assert first.items() < kept(place).items()
    assert kept(place) == CONTENT


def test_a_killed_run_leaves_no_part_under_the_name(mirror: Path, place: Path) -> None:
    place.mkdir()
    (place / "wheel.bin.partial").write_bytes(b"in the")
    (place / "npm.bin").write_bytes(b"in th")  # a part without a record
    fetch("all-kinds", place, mirror, manifest=MANIFEST)
    assert kept(place) == CONTENT


def test_a_mirror_that_is_no_folder(tmp_path: Path, place: Path) -> None:
    with pytest.raises(FetchFailed, match="nowhere is no folder"):
        fetch("all-kinds", place, tmp_path / "nowhere", manifest=MANIFEST)


@pytest.mark.parametrize("name", ["wheel", "npm"])
@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 half"])
def test_a_broken_archive_is_named(mirror: Path, place: Path, name: str, content: bytes) -> None:
    (mirror / ARCHIVES[name]).write_bytes(content)
    with pytest.raises(FetchFailed, match=ARCHIVES[name]):
        fetch("all-kinds", place, mirror, manifest=MANIFEST)


def test_a_flipped_bit_in_an_archive_is_found(mirror: Path, place: Path) -> None:
    with zipfile.ZipFile(mirror / ARCHIVES["wheel"], "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(MEMBERS["wheel"], CONTENT["wheel"] * 100)
    content = bytearray((mirror / ARCHIVES["wheel"]).read_bytes())
    content[60] ^= 0xFF
    (mirror / ARCHIVES["wheel"]).write_bytes(content)
    with pytest.raises(FetchFailed, match=ARCHIVES["wheel"]):
        fetch("all-kinds", place, mirror, manifest=MANIFEST)


def test_a_link_in_an_archive_is_not_followed(mirror: Path, place: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT["npm"])
    with tarfile.open(mirror / ARCHIVES["npm"], "w:gz") as archive:
        entry = tarfile.TarInfo(MEMBERS["npm"])
        entry.type, entry.linkname = tarfile.SYMTYPE, str(secret)
        archive.addfile(entry)
    with pytest.raises(FetchFailed, match=MEMBERS["npm"]):
        fetch("all-kinds", place, mirror, manifest=MANIFEST)


def test_two_at_once_do_not_disturb_each_other(mirror: Path, place: Path) -> None:
    start = multiprocessing.get_context("fork")
    runs = [start.Process(target=fetch, args=("all-kinds", place, mirror), kwargs={"manifest": MANIFEST}) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    assert [run.exitcode for run in runs] == [0, 0, 0, 0]
    assert kept(place) == CONTENT


def test_an_unknown_pack(place: Path) -> None:
    with pytest.raises(ModelError, match="no pack 'nothing'"):
        fetch("nothing", place)
    assert not place.exists()


def test_a_conversion_whose_library_is_missing_says_what_to_install(mirror: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name}", name="tflite")

    monkeypatch.setattr("models.fetch.importlib.import_module", absent)
    converted = Manifest(
        packs={"all-kinds": tuple(replace(item, converter="convert_mobilefacenet") for item in MANIFEST.items("all-kinds"))}
    )
    with pytest.raises(FetchFailed, match="needs the library tflite"):
        fetch("all-kinds", place, mirror, manifest=converted)
