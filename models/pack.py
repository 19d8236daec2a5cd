"""A set of networks that belong together, loaded and ready."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from models import files
from models.detect import CenterFace
from models.embed import MobileFaceNet
from models.errors import ModelError, WeightsMissing
from models.liveness import MiniFASNet
from models.manifest import Item, read_manifest
from models.protocols import Detector, Embedder, LivenessNet
from models.session import Session, open_session

DEFAULT_PACK = "window"
LIVENESS_PACK = "liveness"
SEARCH_SIDE = 512
"""Pixels of the longer side at which a window's pictures are searched for faces. In window clips of 5 persons 640 found the same frames and
gave the same scores (frames of one person at least 0.50 and 0.51, of two at most 0.60 and 0.61) for 1.6 times the work.
"""
THREADS = 2
"""Cores that may work on one picture: two search it for faces in 0.55 to 0.8 of the time of one, for the same work and the same numbers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pack:
    """A detector, an embedder and, where its weights were fetched, a judge of liveness.

    Without one, liveness is "not evaluated"; that is never a pass. `hashes` are the sha256 of the published weights by item name: equal on
    every machine, whatever converted them.
    """

    detector: Detector
    embedder: Embedder
    hashes: Mapping[str, str]
    liveness: LivenessNet | None = None


def load_pack(folder: Path | None = None, name: str = DEFAULT_PACK, long_side: int = SEARCH_SIDE, threads: int = THREADS) -> Pack:
    """Verify and load the networks of a fetched pack; `folder` is `files.default_folder()` if not given.

    `long_side` is that of `CenterFace`; `threads` are the cores that may work on one picture. Takes nothing from the network. Weights of
    liveness that are missing leave `Pack.liveness` None. Raises WeightsMissing, WrongHash, VersionMismatch (also for weights of liveness
    that are there and wrong), or ModelError for an unknown pack.
    """
    place = files.default_folder() if folder is None else folder
    detector, embedder = (read_manifest().one(name, role) for role in ("detector", "embedder"))
    liveness = load_liveness(place, at_once=threads > 1)
    judges = read_manifest().items(LIVENESS_PACK) if liveness else ()
    return Pack(
        detector=CenterFace(_open(place, detector, threads), long_side=long_side),
        embedder=MobileFaceNet(_open(place, embedder, threads), version=version(embedder)),
        hashes={item.name: item.sha256 for item in (detector, embedder, *judges)},
        liveness=liveness,
    )


def load_liveness(folder: Path, *, at_once: bool = True) -> MiniFASNet | None:
    """Verify and load the liveness networks in `folder`; None when they, or one of them, are missing. Raises WrongHash, VersionMismatch.

    `at_once` is that of `MiniFASNet`.
    """
    near, wide = (read_manifest().one(LIVENESS_PACK, role) for role in ("liveness_near", "liveness_wide"))
    try:
        networks = (_open(folder, near, 1), _open(folder, wide, 1))
        return MiniFASNet(*networks, version=f"{version(near)} {version(wide)}", at_once=at_once)
    except WeightsMissing:
        return None


def with_own_embedder(pack: Pack, path: Path, licence: str) -> Pack:
    """The pack with the embedder of the operator's own weights, an ArcFace-like ONNX file, run by the `insightface` library.

    Vectors are named by the file and its sha256, so they never meet those of other weights. `licence` says under which terms the weights
    may be used here: many that are published are for research only, so nothing is loaded without. Raises WeightsMissing, or ModelError
    without licence or library and for a file that is no such network.
    """
    if not licence.strip():
        raise ModelError(f"{path}: name the licence under which these weights may be used here; many are for research only")
    if not path.is_file():
        raise WeightsMissing(f"{path} is missing; put the file there, this program does not download it")
    try:
        adapter = import_module("models.insightface_pack")  # optional, large and slow to load, so not before it is needed
    except ImportError as error:
        raise ModelError(f"{path} needs the library insightface, which is not installed ({error.name}): pip install insightface") from None
    found = files.sha256(path.read_bytes())
    embedder: Embedder = adapter.InsightFaceEmbedder(path, version=f"{path.stem}-{found[:12]}")
    hashes = {name: value for name, value in pack.hashes.items() if not pack.embedder.version.startswith(name)}
    return replace(pack, embedder=embedder, hashes={**hashes, path.stem: found})


def version(item: Item) -> str:
    """The name under which vectors of this embedder may be compared, for example "mobilefacenet-d8ba40c0127f"."""
    return f"{item.name}-{item.sha256[:12]}"


def _open(folder: Path, item: Item, threads: int) -> Session:
    return open_session(files.load(folder, item), threads)
