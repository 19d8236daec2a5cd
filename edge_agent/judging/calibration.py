"""Limits that were measured at a site, from the files that `python -m models calibrate` wrote. What they do not fit is refused by name."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from edge_agent.errors import BadSettings
from edge_agent.sections.core import Limits, LivenessSettings, Window
from models.errors import ModelError
from models.evaluation.limits import read_limits
from models.evaluation.liveness_limits import read_liveness
from models.liveness_track import LivenessLimits
from models.protocols import LivenessNet


def measured(limits: Limits, embedder_version: str) -> Limits:
    """The limits with the bands of the file that they name, for vectors of this embedder; as they are when they name none.

    Raises BadSettings when the file cannot be read, was edited, or was measured with another network.
    """
    if limits.measured is None:
        return limits
    try:
        bands = read_limits(limits.measured, embedder_version)
    except (ModelError, OSError) as error:
        raise BadSettings(f"limits.measured: {error}") from None
    return limits.model_copy(update={**asdict(bands), "measured": None})


def liveness_limits(settings: LivenessSettings, windows: Iterable[Window], net: LivenessNet | None) -> Mapping[str, LivenessLimits]:
    """By which limits liveness is judged at the windows whose camera model has a limits file.

    Without networks nothing is judged and no file is read. Raises BadSettings like `measured`, also for another camera model.
    """
    if net is None:
        return {}
    general = settings.limits()
    named = ((window, window.liveness_limits) for window in windows)
    return {window.window: _for_camera(window, path, net.version, general) for window, path in named if path is not None}


def _for_camera(window: Window, path: Path, version: str, general: LivenessLimits) -> LivenessLimits:
    try:
        found = read_liveness(path, version, window.camera_model)
    except (ModelError, OSError) as error:
        raise BadSettings(f"window {window.window}, liveness_limits: {error}") from None
    return replace(general, live=found.live, attack=found.attack)
