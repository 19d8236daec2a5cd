"""What decides here: the networks, and the names by which every event tells of them, of the limits and of the settings."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from contract.events import Software
from edge_agent.sections.core import Limits, LivenessSettings
from edge_agent.settings import Settings
from models.liveness_track import LivenessLimits
from models.pack import Pack, load_pack, with_own_embedder

VERSION = "0.1.0"
NAME_LENGTH = 80


def networks(settings: Settings, pack: Pack | None = None) -> Pack:
    """What this terminal judges with: the default pack or `pack`, with an embedder of its own if it has one. Raises ModelError."""
    own = settings.networks
    pack = load_pack(settings.files.models_dir, long_side=settings.limits.search_side, threads=own.threads) if pack is None else pack
    pack = with_own_embedder(pack, own.embedder, own.licence) if own.embedder else pack
    return pack if settings.liveness.enabled else replace(pack, liveness=None)


def describe(settings: Settings, pack: Pack, calibrated: Mapping[str, LivenessLimits]) -> Software:
    """What decides here, as it stands in every capture."""
    return Software(
        agent=VERSION,
        detector=detector_name(pack),
        embedder=pack.embedder.version[:NAME_LENGTH],
        limits_sha256=limits_sha256(settings.limits, settings.liveness, pack, calibrated),
        settings_sha256=settings.sha256(),
    )


def limits_sha256(limits: Limits, liveness: LivenessSettings, pack: Pack, calibrated: Mapping[str, LivenessLimits]) -> str:
    """Names every value and network that an outcome hangs on, besides the detector and the embedder: the limits and, where liveness is
    evaluated, its networks and its limits, those of windows with limits of their own included.
    """
    if pack.liveness is None:
        return limits.sha256()
    own = "".join(f" {window} {limits}" for window, limits in sorted(calibrated.items()))
    return sha256(f"{limits.sha256()} {liveness.limits()} {pack.liveness.version}{own}".encode()).hexdigest()


def detector_name(pack: Pack) -> str:
    """The detector as the embedder names itself: the weights' name and the start of their sha256."""
    names = (f"{name}-{sha256[:12]}" for name, sha256 in pack.hashes.items() if not pack.embedder.version.startswith(name))
    return next(names, "unnamed")[:NAME_LENGTH]
