"""Liveness: error rates on real clips, labelled pictures and made attacks, how verdicts hold under another box, and what a face costs.

Everything is judged as `models.evaluation.attacks` judges labelled files, which is what a window does with a followed face. The seeds of
the made scenes are others than those on which limits were set (below 1,000) and those of the tests (1,000 to 6,000).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import cv2
import numpy as np

from models.errors import ModelError
from models.evaluation.attacks import PICTURE, TRACK, Judged, attack_rates, follow, shot
from models.evaluation.collect import frames_of
from models.evaluation.labels import BONA_FIDE, Clip, read_clips
from models.evaluation.rates import Rate, Targets, proportion
from models.liveness_track import PICTURE as PICTURE_LIMITS
from models.liveness_track import WINDOW, LivenessVerdict, fuse, without_repeats
from models.pack import Pack, load_pack
from models.picture import read
from models.protocols import Detector, LivenessNet
from models.results import Box, Face, Picture
from scripts.attack_scenes import KINDS, Kind, scene
from scripts.benchmarks import clips
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.portraits import portraits
from scripts.benchmarks.report import Figure, seconds, timed

FPS = 6.0
PARTS = {"part of 1.2 s": 8, "part of 2.5 s": 16}  # frames of a part of a clip; the longer ones are asked to change
PART_STEP = 2  # frames from one part to the next
SCENE, SCENE_EVERY = 19, 2  # moments of a scene, 3 s as the till's answer rests on, and which of them: a window keeps one in 0.3 s
FIRST_SEED, SEEDS_OF_A_KIND = 20_000, 100_000
JITTER = 0.2
LIVE_DRAWS = 10
LIVENESS_MS, FLIPS = 8.0, 0.01
SCENE_S = 1.2  # to draw and judge a scene twice, on a quiet core
LABELLED = {"image_T1.jpg": BONA_FIDE, "image_F1.jpg": "print", "image_F2.jpg": "screen"}
MADE = "made scenes are drawings from {people} pictures and clips, no field attacks"

Sighting = tuple[Picture, Face]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """One presentation as the detector sees it, at `fps` frames a second."""

    level: str
    kind: str
    seen: Sequence[Sighting]
    fps: float = FPS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sources:
    """What is real: clips and pictures as they are seen, pictures of faces to show, and rooms with the face that stands in each."""

    live: Sequence[Track]
    labelled: Sequence[Track]
    shown: Sequence[Sequence[tuple[Picture, Box]]]
    rooms: Sequence[tuple[Picture, Box | None]]


def measure(scenes: int, progress: Progress) -> list[Figure]:
    """Goal B4 on `scenes` made scenes of each kind and all that is real. Raises CannotMeasure without clips, pictures or networks."""
    try:
        pack = load_pack()
        if pack.liveness is None:
            raise CannotMeasure("liveness is not evaluated here: its networks are missing; python -m models fetch --pack liveness")
        real = sources(pack)
    except ModelError as error:
        raise CannotMeasure(str(error)) from error
    progress(f"{scenes} scenes of each kind, about {SCENE_S * scenes * len(KINDS) / 60:.0f} minutes")
    run = _Run(pack.liveness)
    for track in (*real.live, *real.labelled, *parts(real.live)):
        run.judge(track, LIVE_DRAWS)
    for kind in KINDS:
        progress(f"made attacks: {kind}")
        for track in made(pack.detector, real, kind, scenes):
            run.judge(track, 1)
    note = MADE.format(people=len(real.shown))
    return [*(rate_figure(rate, note) for rate in rates(run.judged) if rate.trials), *_flips(run, note), _cost(pack.liveness, real.live)]


def verdict(net: LivenessNet, track: Track, random: np.random.Generator | None = None) -> LivenessVerdict | None:
    """Of a track as it is, or with every box moved by `random`; None where no face was seen."""
    if not track.seen:
        return None
    boxes = [face.box if random is None else jittered(face.box, random) for _, face in track.seen]
    looks = (shot(net, picture, face, box, at / track.fps) for at, ((picture, face), box) in enumerate(zip(track.seen, boxes, strict=True)))
    return fuse(list(without_repeats(looks)), PICTURE_LIMITS if track.level == PICTURE else WINDOW)


def jittered(box: Box, random: np.random.Generator) -> Box:
    """Moved along both axes and scaled, each by up to 20 % of the box."""
    x, y = np.array(box.centre) + random.uniform(-JITTER, JITTER, 2) * (box.width, box.height)
    across, down = np.array([box.width, box.height]) / 2 * random.uniform(1 - JITTER, 1 + JITTER)
    return Box(x0=x - across, y0=y - down, x1=x + across, y1=y + down)


def sources(pack: Pack) -> Sources:
    """Everything real, from SHARED_DIR and the demonstration pictures. Raises CannotMeasure, ModelError."""
    folder = clips.default_folder()
    labels, pictures = folder / "labels.csv", [folder.parent / "pad" / name for name in LABELLED]
    missing = [path for path in (labels, *pictures) if not path.is_file()]
    if missing:
        raise CannotMeasure(f"there is nothing to measure on: {missing[0]} does not exist; set SHARED_DIR")
    table = read_clips(labels)
    live = [_seen(pack.detector, clip) for clip in table if clip.person is not None]
    labelled = [
        Track(level=PICTURE, kind=kind, seen=_picture(pack.detector, read(path)))
        for path, kind in zip(pictures, LABELLED.values(), strict=True)
    ]
    faces = [*(_picture(pack.detector, picture) for picture in portraits()), labelled[0].seen, *(track.seen for track in live)]
    empty = [cv2.resize(next(frames_of(clip.path, FPS)), (853, 480))[:, 100:740] for clip in table if clip.person is None]
    rooms = [(track.seen[0][0], track.seen[0][1].box) for track in live if track.seen[0][0].shape == (clips.HEIGHT, clips.WIDTH, 3)]
    return Sources(
        live=live,
        labelled=labelled,
        shown=[[(picture, face.box) for picture, face in seen] for seen in faces],
        rooms=[*rooms, *((np.ascontiguousarray(room).astype(np.uint8), None) for room in empty)],
    )


def parts(live: Sequence[Track]) -> Iterator[Track]:
    """Stretches of live tracks, short and long; they overlap, so their number proves little."""
    for (level, frames), track in product(PARTS.items(), live):
        for start in range(0, len(track.seen) - frames + 1, PART_STEP):
            yield Track(level=level, kind=track.kind, seen=track.seen[start : start + frames])


def made(detector: Detector, real: Sources, kind: Kind, count: int, first_seed: int = FIRST_SEED) -> Iterator[Track]:
    """Scenes of one kind, each with what the detector finds at the place of the shown face."""
    for number in range(count):
        room, over = real.rooms[number % len(real.rooms)]
        seed = first_seed + SEEDS_OF_A_KIND * KINDS.index(kind) + number
        frames = scene(real.shown[number % len(real.shown)], room, seed, SCENE, every=SCENE_EVERY, kind=kind, over=over)
        yield Track(level=TRACK, kind=f"made {kind}", seen=list(_shown(detector, frames)), fps=FPS / SCENE_EVERY)


def rates(judged: Sequence[Judged]) -> Iterator[Rate]:
    """Those of ISO/IEC 30107-3; of parts of the same clips nothing is claimed."""
    for rate in attack_rates(judged, Targets()):
        yield replace(rate, independent=False) if rate.level in PARTS else rate


def rate_figure(rate: Rate, made_note: str) -> Figure:
    """A rate in per cent with its exact interval. It is held against its goal only where the trials can decide."""
    decided = rate.statement.endswith(("holds", "does not hold"))
    asked = rate.name.startswith(("worst", "BPCER", f"cannot judge {BONA_FIDE}", "verdict"))
    note = f"{rate.statement}; {made_note}" if "made" in rate.name else rate.statement
    return Figure(
        name=f"{rate.name}, {rate.level}",
        value=100 * rate.errors / rate.trials,
        unit="%",
        n=rate.trials,
        goal="B4" if asked else "",
        spread={"errors": rate.errors, "low": 100 * rate.exact.low, "high": 100 * rate.exact.high},
        at_most=100 * rate.target if asked and decided else None,
        note=note,
    )


class _Run:
    """Judges tracks one after the other, so that only one is held in memory."""

    def __init__(self, net: LivenessNet) -> None:
        self._net = net
        self._random = np.random.default_rng(FIRST_SEED)
        self.judged: list[Judged] = []
        self.draws, self.flips = Counter[str](), Counter[str]()

    def judge(self, track: Track, draws: int) -> None:
        """Count the verdict on a track and, of whole presentations, how many of `draws` with other boxes are another one."""
        settled = verdict(self._net, track)
        self.judged.append(Judged(level=track.level, kind=track.kind, verdict=settled))
        if settled is None or track.level in PARTS:
            return
        for _ in range(draws):
            found = verdict(self._net, track, self._random)
            self.draws[track.kind] += 1
            self.flips[track.kind] += found is None or found.verdict != settled.verdict


def _flips(run: _Run, made_note: str) -> list[Figure]:
    groups = {**{kind: [kind] for kind in run.draws}, "all": list(run.draws)}
    figures = []
    for name, kinds in groups.items():
        flips, draws = sum(run.flips[kind] for kind in kinds), sum(run.draws[kind] for kind in kinds)
        figures.append(rate_figure(proportion("boxes moved by 20 %", f"verdict flips {name}", flips, draws, FLIPS), made_note))
    return figures


def _cost(net: LivenessNet, live: Sequence[Track]) -> Figure:
    spent = [seconds(partial(shot, net, picture, face, face.box, 0.0)) for track in live for picture, face in track.seen]
    return timed("liveness of a face: crops, signs, both networks", spent, goal="B4", at_most_ms=LIVENESS_MS)


def _seen(detector: Detector, clip: Clip) -> Track:
    found = [(picture, face) for _, picture, face in follow(detector, frames_of(clip.path, FPS))]
    if not found:
        raise CannotMeasure(f"no face was found in {clip.path.name}, which is labelled as showing a person")
    return Track(level=TRACK, kind=BONA_FIDE, seen=found)


def _picture(detector: Detector, picture: Picture) -> list[Sighting]:
    return [(picture, face) for face in detector.detect(picture)[:1]]


def _shown(detector: Detector, frames: Iterator[tuple[Picture, tuple[float, float]]]) -> Iterator[Sighting]:
    for picture, (x, y) in frames:
        here = (face for face in detector.detect(picture) if face.box.x0 < x < face.box.x1 and face.box.y0 < y < face.box.y1)
        yield from ((picture, face) for face in list(here)[:1])
