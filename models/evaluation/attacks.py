"""Presentation attack detection in the terms of ISO/IEC 30107-3: every kind of attack for itself, and the worst of them.

A clip is judged as a window judges a followed face, a still picture for itself; a rate is of one of both, never of a mixture.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.align import chip
from models.errors import BadLabels, PictureRefused
from models.evaluation.collect import frames_of
from models.evaluation.labels import BONA_FIDE, Presentation
from models.evaluation.rates import Rate, Targets, proportion
from models.liveness import crops
from models.liveness_signs import look
from models.liveness_track import PICTURE as PICTURE_LIMITS
from models.liveness_track import LivenessLimits, LivenessShot, LivenessVerdict, fuse, without_repeats
from models.picture import read
from models.protocols import Detector, LivenessNet
from models.quality import WINDOW
from models.results import Box, Face, Picture

PICTURE, TRACK = "picture", "track"
STILL = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})  # every other file is a clip, GIF included


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One presentation: its level (PICTURE or TRACK), "live" or the kind of attack, and the verdict; None where no face was found."""

    level: str
    kind: str
    verdict: LivenessVerdict | None


def measure_attacks(
    detector: Detector, net: LivenessNet, presentations: Sequence[Presentation], limits: LivenessLimits, *, fps: float
) -> tuple[Judged, ...]:
    """Judge every presentation by `limits`, a clip by about `fps` frames a second. Raises BadLabels for a file that cannot be read."""
    return tuple(_judged(detector, net, presentation, limits, fps) for presentation in presentations)


def attack_rates(judged: Iterable[Judged], targets: Targets) -> tuple[Rate, ...]:
    """For each level: APCER of each kind of attack (taken for live), the worst of them, BPCER (live taken for an attack), the share that
    cannot be judged, and the non-response rates.

    What cannot be judged is among the trials of APCER and BPCER and no error there, because a window neither passes nor accuses it: read
    both beside its share. A presentation without a face counts in its non-response rate only.
    """
    everything = list(judged)
    levels = dict.fromkeys(one.level for one in everything)
    return tuple(rate for level in levels for rate in _level_rates(level, [one for one in everything if one.level == level], targets))


def follow(detector: Detector, frames: Iterable[Picture]) -> Iterator[tuple[int, Picture, Face]]:
    """Number, frame and face of one person, from the first certain face on: in each frame the nearest one within a face's width.

    Knows nothing of windows and people who come and go; a labelled clip shows one presentation.
    """
    last: Face | None = None
    for number, frame in enumerate(frames):
        faces = detector.detect(frame)
        here = [face for face in faces if face.score >= WINDOW.score][:1] if last is None else _near(last, faces)
        if here:
            last = here[0]
            yield number, frame, last


def shot(net: LivenessNet, picture: Picture, face: Face, box: Box, mono_s: float) -> LivenessShot:
    """What one frame says of `face` when `box` is taken for it; its score included. Raises ModelError when a network fails."""
    looks = crops(picture, box)
    signs = look(picture, face.landmarks, looks)
    score = float(net.score(looks[np.newaxis])[0])
    aligned = chip(picture, face.landmarks)
    return LivenessShot(mono_s=mono_s, landmarks=face.landmarks, border=signs.border, digest=signs.digest, score=score, chip=aligned)


def _judged(detector: Detector, net: LivenessNet, presentation: Presentation, limits: LivenessLimits, fps: float) -> Judged:
    still = presentation.path.suffix.lower() in STILL
    frames = [_read(presentation)] if still else frames_of(presentation.path, fps)
    seen = follow(detector, frames)
    shots = list(without_repeats(shot(net, frame, face, face.box, number / fps) for number, frame, face in seen))
    verdict = fuse(shots, replace(limits, min_shots=PICTURE_LIMITS.min_shots) if still else limits) if shots else None
    if verdict is not None and verdict.score is not None and not 0 <= verdict.score <= 1:
        raise BadLabels(f"the liveness score of {presentation.path.name} is {verdict.score}, not a number from 0 to 1")
    return Judged(level=PICTURE if still else TRACK, kind=presentation.kind, verdict=verdict)


def _read(presentation: Presentation) -> Picture:
    try:
        return read(presentation.path)
    except PictureRefused as refused:
        raise BadLabels(f"{presentation.path.name} cannot be shown to the networks: {refused}") from refused


def _near(last: Face, faces: Sequence[Face]) -> list[Face]:
    def away(face: Face) -> float:
        return float(np.hypot(*np.subtract(face.box.centre, last.box.centre)))

    return [face for face in sorted(faces, key=away)[:1] if away(face) <= last.box.width]


def _level_rates(level: str, judged: Sequence[Judged], targets: Targets) -> Iterator[Rate]:
    apcers = []
    for kind in sorted({one.kind for one in judged}):
        verdicts = [one.verdict for one in judged if one.kind == kind]
        said = [verdict.verdict for verdict in verdicts if verdict is not None]
        live, none = kind == BONA_FIDE, len(verdicts) - len(said)
        wrong, asked = said.count("attack" if live else "live"), targets.bpcer if live else targets.apcer
        error = proportion(level, "BPCER" if live else f"APCER {kind}", wrong, len(said), asked)
        yield error
        yield proportion(level, f"cannot judge {kind}", said.count("cannot_judge"), len(said), targets.unjudged)
        yield proportion(level, "BPNRR" if live else f"APNRR {kind}", none, len(verdicts), asked)
        if not live:
            apcers.append(error)
    if apcers:
        worst = max(apcers, key=lambda rate: (rate.errors / rate.trials if rate.trials else 0.0, rate.exact.high))
        yield replace(worst, name=f"worst {worst.name.replace(' ', ' (', 1)})")
