"""What single steps of the line cost on real frames, each called as the line calls it."""

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from edge_agent.camera.frames import Sight
from edge_agent.replay import WHOLE
from edge_agent.sections.core import Limits, Times
from edge_agent.window.track import Follower
from edge_agent.wiring import new_eyes
from models.align import chip
from models.liveness import crops
from models.liveness_signs import look
from models.pack import Pack
from models.protocols import LivenessNet
from models.quality import measure
from models.quality_components import assess
from models.results import Face, Picture
from scripts.benchmarks.clips import Clip
from scripts.benchmarks.line import FRAME_S
from scripts.benchmarks.report import Figure, seconds, timed

TRACK_MS, QUALITY_MS, LIVENESS_MS = 1.0, 3.0, 8.0


def measure_parts(pack: Pack, clips: Sequence[Clip]) -> list[Figure]:
    """Quality and liveness of the best face of every frame, and the following of all faces."""
    faces = [(picture, found[0]) for clip in clips for picture in clip.frames if (found := pack.detector.detect(picture))]
    figures = [
        timed(
            "quality of a face: native measures and components",
            [seconds(partial(_judge, *face)) for face in faces],
            goal="B5",
            at_most_ms=QUALITY_MS,
        ),
        timed("follow the faces of a frame", [spent for clip in clips for spent in _following(pack, clip)], at_most_ms=TRACK_MS),
    ]
    if pack.liveness is not None:
        each = [seconds(partial(_present, pack.liveness, *face)) for face in faces]
        figures.append(timed("liveness of a face: crops, signs, both networks", each, at_most_ms=LIVENESS_MS))
    return figures


def _judge(picture: Picture, face: Face) -> None:
    aligned = chip(picture, face.landmarks)
    assess(picture, face, measure(picture, face, aligned), aligned=aligned)


def _present(net: LivenessNet, picture: Picture, face: Face) -> None:
    looks = crops(picture, face.box)
    look(picture, face.landmarks, looks)
    net.score(looks[np.newaxis])


def _following(pack: Pack, clip: Clip) -> Iterable[float]:
    follower = Follower(0.0)
    for sight in _sights(pack, clip):
        yield seconds(partial(follower.add, sight))


def _sights(pack: Pack, clip: Clip) -> list[Sight]:
    eyes = new_eyes(pack, WHOLE, Limits(), Times())
    return [eyes.look(picture, number * FRAME_S) for number, picture in enumerate(clip.frames)]
