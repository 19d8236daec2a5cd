"""Self-test: do the networks load, see what they should, and how long do they take on this machine?"""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np

from models import files
from models.align import CHIP_SIDE, chip
from models.compare import similarity
from models.errors import ModelError, WeightsMissing
from models.liveness import crops
from models.manifest import read_manifest
from models.pack import DEFAULT_PACK, Pack, load_pack
from models.picture import decode
from models.quality import measure
from models.results import Picture
from models.session import PROVIDERS, RUNTIME_VERSION
from models.template import from_picture

ONE_PERSON = ("demo-person-01-a", "demo-person-01-b")
ANOTHER = "demo-person-02-a"
PLAINLY_SAME, PLAINLY_DIFFERENT = 0.6, 0.4
ROUNDS = 10


def check(folder: Path) -> Iterator[str]:
    """Lines of a report on the pack in `folder`. Raises ModelError as soon as something is wrong; what was yielded before stands."""
    yield f"onnxruntime {RUNTIME_VERSION} on {', '.join(PROVIDERS)}, OpenCV {cv2.__version__}, numpy {np.__version__}"
    started = time.perf_counter()
    pack = load_pack(folder)
    yield f"pack {DEFAULT_PACK} from {folder}: loaded in {time.perf_counter() - started:.2f} s"
    yield from (f"{name}: sha256 {value}" for name, value in pack.hashes.items())
    yield from (f"{item.name} measured before: {line}" for item in read_manifest().items(DEFAULT_PACK) for line in item.measured)
    yield f"vectors: {pack.embedder.version}, {pack.embedder.size} values"
    yield f"liveness: {pack.liveness.version if pack.liveness else 'not evaluated; python -m models fetch --pack liveness'}"
    yield from _on_noise(pack)
    try:
        pictures = {name: _demo_picture(folder, name) for name in (*ONE_PERSON, ANOTHER)}
    except WeightsMissing as missing:
        yield f"no real face at hand, so recognition was not tested: {missing}"
        return
    yield from _on_faces(pack, pictures)


def _demo_picture(folder: Path, name: str) -> Picture:
    (item,) = (item for item in read_manifest().items("demo") if item.name == name)
    return decode(files.load(folder, item))


def _on_noise(pack: Pack) -> Iterator[str]:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    if faces := pack.detector.detect(noise):
        raise ModelError(f"the detector sees {len(faces)} faces in noise; fetch the pack again")
    yield f"detect at 640 x 480: {_median_ms(lambda: pack.detector.detect(noise)):.1f} ms, no face in noise"
    chips = noise[np.newaxis, :CHIP_SIDE, :CHIP_SIDE]
    yield f"embed one face: {_median_ms(lambda: pack.embedder.describe(chips)):.1f} ms"


def _on_faces(pack: Pack, pictures: Mapping[str, Picture]) -> Iterator[str]:
    picture = pictures[ONE_PERSON[0]]
    face = pack.detector.detect(picture)[0]
    yield f"align one face: {_median_ms(lambda: chip(picture, face.landmarks)):.2f} ms"
    if (liveness := pack.liveness) is not None:
        looks = crops(picture, face.box)[np.newaxis]
        took = _median_ms(lambda: liveness.score(looks))
        yield f"liveness of one face: {took:.1f} ms, score {liveness.score(looks)[0]:.3f}"
    yield f"judge one face: {_median_ms(lambda: measure(picture, face)):.2f} ms"
    first, second, other = (from_picture(pack, pictures[name]).vector for name in (*ONE_PERSON, ANOTHER))
    same, different = similarity(first, second), similarity(first, other)
    if same < PLAINLY_SAME or different > PLAINLY_DIFFERENT:
        raise ModelError(
            f"two pictures of one person compare at {same:.3f}, of two persons at {different:.3f}: the networks do not work here"
        )
    yield f"two pictures of one person: {same:.3f}; of two persons: {different:.3f}"


def _median_ms(run: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times))
