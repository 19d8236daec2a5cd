"""Run a pack over labelled clips or pictures, through the very code that enrols and watches, and keep the scores."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models import compare
from models.errors import BadLabels, PictureRefused
from models.evaluation.labels import Clip, Pair, persons_of
from models.evaluation.scores import Attempts, Comparison, Measured, Search, attempts, level, numbered
from models.pack import Pack
from models.picture import read
from models.quality import ENROLMENT, WINDOW, QualityLimits
from models.results import Picture, Vector
from models.template import from_picture, gather

CLIP, FRAME, PICTURE = "clip", "frame", "picture"
FUSED = (1, 2, 3, 5, 8)  # frames fused into a probe, compared with the templates of other clips
NATIVE_FPS = 25.0  # taken where a file does not say its own
FTE, FTA, FTA_FRAME = "FTE", "FTA", "FTA (frame)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Recording:
    """What one clip of a person gave: vectors and strengths of its usable frames in order, and the fusion of the vectors, or nothing."""

    person: str
    frames: int
    vectors: NDArray[np.float32]
    strengths: NDArray[np.float32]
    fused: Vector | None


def fused_level(frames: int) -> str:
    """Name of the level whose probes are fused from so many frames."""
    return f"{frames} fused"


def measure_clips(pack: Pack, clips: Sequence[Clip], *, fps: float, min_good_frames: int) -> Measured:
    """Compare every clip with every other one, as a whole and frame by frame, looking at `fps` frames a second.

    A clip is an enrolment that fails (FTE) when it gives no template, and a capture that fails (FTA) when fewer than `min_good_frames` of
    its frames can be used; a failed capture is not compared. Raises BadLabels for a clip that cannot be read.
    """
    recordings = [_record(pack, clip, clip.person, fps) for clip in clips if clip.person is not None]
    empty = [_record(pack, clip, "", fps) for clip in clips if clip.person is None]
    people = numbered(recording.person for recording in recordings)
    captured = [recording for recording in recordings if len(recording.vectors) >= min_good_frames]
    fewest = next((count for count in FUSED if count >= min_good_frames), FUSED[-1])
    return Measured(
        people=len(people),
        levels=(
            level(CLIP, people, _clip_scores(captured), independent=True),
            level(FRAME, people, _frame_scores(recordings), independent=False),
            *(level(fused_level(count), people, _fused_scores(recordings, count), independent=False) for count in FUSED),
        ),
        attempts=_clip_attempts(recordings, people, min_good_frames),
        counts={
            "persons": len(people),
            "clips": len(clips),
            "frames": sum(recording.frames for recording in (*recordings, *empty)),
            "clips without a face": len(empty),
            "clips without a face that gave a template": sum(recording.fused is not None for recording in empty),
        },
        searches=(_search(CLIP, people, captured, None), _search(fused_level(fewest), people, captured, fewest)),
        strengths=np.concatenate([np.empty(0), *(recording.strengths for recording in captured)]),
    )


def measure_pairs(pack: Pack, pairs: Sequence[Pair]) -> Measured:
    """Compare pictures: the first of a pair is an enrolment (FTE when it is refused), the second a capture (FTA).

    Pictures that are no picture at all fail as well, with their reason among the counts.
    """
    person = persons_of(pairs)
    people = numbered(person.values())
    reasons: Counter[str] = Counter()
    firsts = _vectors(pack, [pair.first for pair in pairs], ENROLMENT, reasons)
    seconds = _vectors(pack, [pair.second for pair in pairs], WINDOW, reasons)
    scores = (
        (person[pair.first], person[pair.second], compare.similarity(one, other))
        for pair in pairs
        if (one := firsts[pair.first]) is not None and (other := seconds[pair.second]) is not None
    )
    return Measured(
        people=len(people),
        levels=(level(PICTURE, people, scores, independent=True),),
        attempts=(
            attempts(FTE, people, ((person[path], vector is None) for path, vector in firsts.items()), independent=True),
            attempts(FTA, people, ((person[path], vector is None) for path, vector in seconds.items()), independent=True),
        ),
        counts={
            "persons": len(people),
            "pairs": len(pairs),
            "pictures": len(person),
            **{f"refused: {reason}": count for reason, count in reasons.items()},
        },
    )


def frames_of(path: Path, fps: float) -> Iterator[Picture]:
    """About `fps` frames a second of a clip. Raises BadLabels when it holds none that can be decoded."""
    source = cv2.VideoCapture(str(path))
    try:
        native = source.get(cv2.CAP_PROP_FPS)
        step = max(1, round((native if native > 0 else NATIVE_FPS) / fps))
        number = 0
        while True:
            found, frame = source.read()
            if not found:
                break
            if number % step == 0:
                yield frame
            number += 1
    finally:
        source.release()
    if not number:
        raise BadLabels(f"{path} holds no frame that can be decoded")


def _record(pack: Pack, clip: Clip, person: str, fps: float) -> _Recording:
    frames = 0

    def counted() -> Iterator[Picture]:
        nonlocal frames
        for frame in frames_of(clip.path, fps):
            frames += 1
            yield frame

    try:
        seen = gather(pack, counted())
    except PictureRefused:
        nothing = np.empty((0, pack.embedder.size), np.float32)
        return _Recording(person=person, frames=frames, vectors=nothing, strengths=nothing[:, 0], fused=None)
    return _Recording(person=person, frames=frames, vectors=seen.vectors, strengths=seen.strengths, fused=seen.template.vector)


def _clip_attempts(recordings: Sequence[_Recording], people: dict[str, int], min_good_frames: int) -> tuple[Attempts, ...]:
    frames = ((one.person, number >= len(one.vectors)) for one in recordings for number in range(one.frames))
    return (
        attempts(FTE, people, ((one.person, one.fused is None) for one in recordings), independent=True),
        attempts(FTA, people, ((one.person, len(one.vectors) < min_good_frames) for one in recordings), independent=True),
        attempts(FTA_FRAME, people, frames, independent=False),
    )


def _clip_scores(recordings: Sequence[_Recording]) -> Iterator[Comparison]:
    for one, other in combinations(recordings, 2):
        if one.fused is not None and other.fused is not None:
            yield one.person, other.person, compare.similarity(one.fused, other.fused)


def _frame_scores(recordings: Sequence[_Recording]) -> Iterator[Comparison]:
    for one, other in combinations(recordings, 2):
        yield from ((one.person, other.person, float(score)) for score in (one.vectors @ other.vectors.T).ravel())


def _fused_scores(recordings: Sequence[_Recording], count: int) -> Iterator[Comparison]:
    for probe in recordings:
        probes = _fused(probe, count)
        for reference in recordings:
            if reference is not probe and reference.fused is not None:
                yield from ((probe.person, reference.person, compare.similarity(vector, reference.fused)) for vector in probes)


def _fused(recording: _Recording, count: int) -> list[Vector]:
    """Probes of `count` frames each, in their order; what is left at the end is not used."""
    parts = (recording.vectors[at : at + count] for at in range(0, len(recording.vectors) - count + 1, count))
    return [compare.fuse(part, [1.0] * count) for part in parts]


def _search(name: str, people: dict[str, int], recordings: Sequence[_Recording], count: int | None) -> Search:
    """Every recording's template is in the gallery; probes are whole recordings, or parts of `count` frames."""
    gallery = [(one, one.fused) for one in recordings if one.fused is not None]
    probes = [(one, vector) for one, fused in gallery for vector in ([fused] if count is None else _fused(one, count))]
    scores = [[np.nan if of is one else compare.similarity(probe, fused) for of, fused in gallery] for one, probe in probes]
    return Search(
        name=name,
        probes=np.array([people[one.person] for one, _ in probes], np.intp),
        templates=np.array([people[one.person] for one, _ in gallery], np.intp),
        scores=np.array(scores, np.float64).reshape(len(probes), len(gallery)),
        independent=count is None,
    )


def _vectors(pack: Pack, paths: Sequence[Path], limits: QualityLimits, reasons: Counter[str]) -> dict[Path, Vector | None]:
    vectors: dict[Path, Vector | None] = {}
    for path in dict.fromkeys(paths):
        try:
            vectors[path] = from_picture(pack, read(path), limits).vector
        except PictureRefused as refused:
            vectors[path] = None
            reasons.update(refused.problems or (refused.reason,))
    return vectors
