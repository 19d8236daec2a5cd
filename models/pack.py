"""A set of networks that belong together, loaded and ready."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models import files
from models.detect import CenterFace
from models.embed import MobileFaceNet
from models.manifest import Item, read_manifest
from models.protocols import Detector, Embedder
from models.session import Session, open_session

DEFAULT_PACK = "window"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pack:
    """A detector and an embedder. `hashes` are the sha256 of the published weights by item name: equal on every machine, whatever
    converted them.
    """

    detector: Detector
    embedder: Embedder
    hashes: Mapping[str, str]


def load_pack(folder: Path | None = None, name: str = DEFAULT_PACK, long_side: int = 640, threads: int = 1) -> Pack:
    """Verify and load the networks of a fetched pack; `folder` is `files.default_folder()` if not given.

    `long_side` is that of `CenterFace`. Takes nothing from the network. Raises WeightsMissing, WrongHash, VersionMismatch, or ModelError
    for an unknown pack.
    """
    place = files.default_folder() if folder is None else folder
    detector, embedder = (read_manifest().one(name, role) for role in ("detector", "embedder"))
    return Pack(
        detector=CenterFace(_open(place, detector, threads), long_side=long_side),
        embedder=MobileFaceNet(_open(place, embedder, threads), version=version(embedder)),
        hashes={item.name: item.sha256 for item in (detector, embedder)},
    )


def version(item: Item) -> str:
    """The name under which vectors of this embedder may be compared, for example "mobilefacenet-d8ba40c0127f"."""
    return f"{item.name}-{item.sha256[:12]}"


def _open(folder: Path, item: Item, threads: int) -> Session:
    return open_session(files.load(folder, item), threads)
