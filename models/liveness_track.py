"""Fuse what the frames of one followed face say about its presence into one of three verdicts. Pure: no network, no clock."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np

from models.liveness_rigid import change
from models.results import Picture, Points

Verdict = Literal["live", "attack", "cannot_judge"]

MAX_CHIPS = 16  # compared with each other, so that a long track costs no more than what a window keeps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LivenessShot:
    """One face in one frame: seconds of a clock that only goes forward, landmarks in pixels, `border` and `digest` of its
    `PresentationSigns`, and `score` of the LivenessNet, None for a frame that was not scored. `chip` is the aligned face, None where it was
    not kept.
    """

    mono_s: float
    landmarks: Points
    border: float
    digest: bytes
    score: float | None
    chip: Picture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessLimits:
    """From where on a track is live or an attack; what lies between cannot be judged. Scores are means over the scored shots.

    The defaults stand in gaps of what was measured, see `minifasnet-v2` in the manifest. They hold for cameras like those of the window
    clips; keep limits of your own for every other camera model.
    """

    min_shots: int = 3  # scored ones
    live: float = 0.7
    attack: float = 0.3
    border: float = 0.3  # from which a border counts; 2 for a window whose own frame stands beside the faces
    border_share: float = 0.1  # of the shots that show one
    live_in_border: float = 0.9
    attack_in_border: float = 0.65
    repeats: int = 3  # pictures that come back after others
    still_s: float = 2.0  # seconds through which every pixel stays the same
    motion: float = 0.01  # least movement of the landmarks, in eye distances; a face of flesh cannot hold so still
    motion_s: float = 2.0  # shorter tracks are not asked to move
    change: float = 0.0018  # least `liveness_rigid.change` of a face of flesh
    change_s: float = 2.5  # shorter tracks are not asked to change
    change_shots: int = 6  # nor those with fewer chips


WINDOW = LivenessLimits()
PICTURE = LivenessLimits(min_shots=1)  # for a single picture, in evaluations; a window has more


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessVerdict:
    """`score` is the mean over the scored shots, None without one. `reasons` are codes, empty only for "live".

    Codes: stream_repeats, no_sensor_noise, looks_shown, border_around_face, motionless, rigid, too_few_shots, between_limits.
    """

    verdict: Verdict
    score: float | None
    reasons: tuple[str, ...]


def fuse(shots: Sequence[LivenessShot], limits: LivenessLimits = WINDOW) -> LivenessVerdict:
    """The verdict on one face from its shots, oldest first: all that were seen, of which some were scored.

    A stream that repeats itself exactly is an attack whatever it shows. Without enough scored shots nothing else is judged. Does not say
    who it is, nor whether somebody stands beside what is shown.
    """
    scores = [shot.score for shot in shots if shot.score is not None]
    score = float(np.mean(scores)) if scores else None
    if forged := _forged(shots, limits):
        return LivenessVerdict(verdict="attack", score=score, reasons=forged)
    if score is None or len(scores) < limits.min_shots:
        return LivenessVerdict(verdict="cannot_judge", score=score, reasons=("too_few_shots",))
    return _judged(score, shots, limits)


def _forged(shots: Sequence[LivenessShot], limits: LivenessLimits) -> tuple[str, ...]:
    """Why the pictures cannot come from a camera that looks at a face now."""
    signs = {
        "stream_repeats": repeats(shots) >= limits.repeats,
        "no_sensor_noise": longest_still_s(shots) >= limits.still_s,
    }
    return tuple(code for code, holds in signs.items() if holds)


def _judged(score: float, shots: Sequence[LivenessShot], limits: LivenessLimits) -> LivenessVerdict:
    bordered = float(np.mean([shot.border >= limits.border for shot in shots])) >= limits.border_share
    around = ("border_around_face",) if bordered else ()
    if score <= (limits.attack_in_border if bordered else limits.attack):
        return LivenessVerdict(verdict="attack", score=score, reasons=("looks_shown", *around))
    if score < (limits.live_in_border if bordered else limits.live):
        return LivenessVerdict(verdict="cannot_judge", score=score, reasons=("between_limits", *around))
    if _lasts_s(shots) >= limits.motion_s and motion(shots) < limits.motion:
        return LivenessVerdict(verdict="cannot_judge", score=score, reasons=("motionless",))
    if _is_rigid(shots, limits):
        return LivenessVerdict(verdict="cannot_judge", score=score, reasons=("rigid",))
    return LivenessVerdict(verdict="live", score=score, reasons=())


def _is_rigid(shots: Sequence[LivenessShot], limits: LivenessLimits) -> bool:
    """Whether it was looked at for long enough and showed the same face all the time. A person who keeps still can do so as well."""
    kept = [shot for shot in shots if shot.chip is not None]
    if len(kept) < limits.change_shots or _lasts_s(kept) < limits.change_s:
        return False
    chosen = np.linspace(0, len(kept) - 1, min(len(kept), MAX_CHIPS)).round().astype(int)
    return change([chip for at in chosen if (chip := kept[at].chip) is not None]) < limits.change


def without_repeats(shots: Iterable[LivenessShot]) -> Iterator[LivenessShot]:
    """Shots without those whose pixels are the very ones before: a picture that a camera repeats is one moment."""
    last = None
    for one in shots:
        if one.digest != last:
            yield one
        last = one.digest


def repeats(shots: Sequence[LivenessShot]) -> int:
    """How many pictures came back, pixel for pixel, after another one was seen. The same picture twice in a row does not count."""
    stretches = Counter(digest for digest, _ in groupby(shot.digest for shot in shots))
    return sum(count - 1 for count in stretches.values())


def longest_still_s(shots: Sequence[LivenessShot]) -> float:
    """Seconds of the longest stretch in which no pixel about the face changed."""
    stretches = (list(stretch) for _, stretch in groupby(shots, key=lambda shot: shot.digest))
    return max((_lasts_s(stretch) for stretch in stretches), default=0.0)


def motion(shots: Sequence[LivenessShot]) -> float:
    """Root mean square movement of the landmarks about their mean places, in eye distances; 0 without shots.

    Measured against the picture, because the camera of a window stands still: what hangs on a stand does not move, a person always does.
    """
    if not shots:
        return 0.0
    points = np.stack([shot.landmarks for shot in shots]).astype(np.float64)
    apart = float(np.linalg.norm(points[:, 1] - points[:, 0], axis=1).mean())
    away = float(np.sqrt(np.mean(np.sum((points - points.mean(axis=0)) ** 2, axis=2))))
    return away / apart if apart > 0 else 0.0


def _lasts_s(shots: Sequence[LivenessShot]) -> float:
    return shots[-1].mono_s - shots[0].mono_s if shots else 0.0
