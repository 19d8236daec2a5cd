"""The limits file of liveness: from where on a face is live or an attack before one camera model, as measured with that model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.errors import CameraMismatch, LimitsEdited, VersionMismatch
from models.evaluation import limits_file
from models.evaluation.limits_file import AGAIN
from models.evaluation.rates import Rate
from models.liveness_track import WINDOW, LivenessLimits

HEAD = """# Liveness limits for one camera model, as measured. Written by `python -m models calibrate`; make a new one instead of
# editing it: an edited file, one of other networks and one of another camera model are refused.
"""


def write_liveness(path: Path, limits: LivenessLimits, camera: str, promises: Sequence[Rate], report: Mapping[str, Any]) -> None:
    """Write the file for the networks of `report` and the camera model `camera`, with the rates that `promises` carry."""
    content = {
        "limits": {"live": limits.live, "attack": limits.attack},
        "camera": {"model": camera},
        "models": {"liveness_version": report["version"], **{name: str(value) for name, value in report["models"].items()}},
        "source": limits_file.source(report),
        "promise": [limits_file.promise(rate) for rate in promises],
    }
    limits_file.write(path, HEAD, content)


def read_liveness(path: Path, version: str, camera: str) -> LivenessLimits:
    """The limits of a file for the liveness networks `version` (`LivenessNet.version`) and the camera model `camera`, in the very letters.

    Only `live` and `attack` are the file's; everything else is as in `liveness_track.WINDOW`. Raises VersionMismatch when they were
    measured with other networks, CameraMismatch with another camera model, LimitsEdited when the file is not as it was written or is none
    of liveness, OSError when it cannot be read.
    """
    content = limits_file.read(path)
    try:
        found, model = content["models"]["liveness_version"], content["camera"]["model"]
        limits = bounded(**content["limits"])
    except (KeyError, TypeError, ValueError) as error:
        raise LimitsEdited(f"{path} does not hold what liveness limits need ({error}); {AGAIN}") from error
    if found != version:
        raise VersionMismatch(f"{path} was measured with {found}, this program judges with {version}; {AGAIN}")
    if model != camera:
        raise CameraMismatch(f"{path} was measured with the camera model {model!r}, not {camera!r}; {AGAIN} with pictures of that model")
    return limits


def bounded(*, live: float, attack: float) -> LivenessLimits:
    """Limits for a window. Without a border about the face neither may be stricter than with one. Raises ValueError."""
    if not 0 < live <= WINDOW.live_in_border:
        raise ValueError(f"live must lie above 0 and up to {WINDOW.live_in_border:g}, not at {live}")
    if not 0 <= attack <= WINDOW.attack_in_border:
        raise ValueError(f"attack must lie from 0 to {WINDOW.attack_in_border:g}, not at {attack}")
    if attack >= live:
        raise ValueError(f"attack ({attack}) must lie below live ({live}): between them nothing is judged")
    return replace(WINDOW, live=live, attack=attack)
