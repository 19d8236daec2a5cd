"""Whether a followed face is there in person: its best moments are scored, then fused with all its moments into one verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edge_agent.camera.frames import Presented, Shot
from edge_agent.window.track import Track
from models.liveness_track import LivenessLimits, LivenessVerdict, fuse, without_repeats
from models.protocols import LivenessNet

SCORE_AT_ONCE = 4  # faces; a larger batch is no faster and holds more memory


class Examiner:
    """Judges liveness; without a network it judges nothing and says so. Safe to use from several threads as far as its network is."""

    def __init__(self, net: LivenessNet | None, limits: LivenessLimits, at: Mapping[str, LivenessLimits] | None = None) -> None:
        """`at` are the limits of windows whose camera model has its own."""
        self._net = net
        self._limits = limits
        self._at = at or {}

    def examine(self, track: Track, best: Sequence[Shot], window: str) -> LivenessVerdict | None:
        """The verdict on a track of this window, of which only the shots in `best` are scored; None when liveness is not evaluated.

        Whether the face changes is asked of all shots that the track kept: a quick look scores the newest, too short a time for a blink.
        The same picture counts once, however often a camera repeated it. Raises ModelError when the network fails.
        """
        if self._net is None:
            return None
        looks = {shot.presented.shot.digest: shot.presented for shot in best if shot.presented is not None}
        scores = dict(zip(looks, self._scores(self._net, list(looks.values())), strict=True))
        chips = {shot.presented.shot.digest: shot.chip for shot in track.best.shots() if shot.presented is not None}
        moments = sorted((*track.signs, *(one.shot for one in looks.values())), key=lambda shot: shot.mono_s)
        shots = [
            replace(moment, score=scores.pop(moment.digest, None), chip=chips.pop(moment.digest, None))
            for moment in without_repeats(moments)
        ]
        return fuse(shots, self._at.get(window, self._limits))

    def _scores(self, net: LivenessNet, looks: Sequence[Presented]) -> list[float]:
        parts = (looks[at : at + SCORE_AT_ONCE] for at in range(0, len(looks), SCORE_AT_ONCE))
        return [float(score) for part in parts for score in net.score(np.stack([one.looks for one in part]))]
