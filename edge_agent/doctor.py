"""Try everything that the agent needs before it is left alone at a window."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

from contract.state import Problem
from edge_agent.calibration import liveness_limits, measured
from edge_agent.checks import disk, evidence, secrets, weights
from edge_agent.clock import SystemClock
from edge_agent.connection import new_tls
from edge_agent.errors import AgentError
from edge_agent.keys import load_seal_key, load_signer, load_token, trusted
from edge_agent.sections import Window
from edge_agent.settings import Settings
from edge_agent.watching import new_camera
from edge_agent.wiring import networks
from models.errors import ModelError
from models.pack import LIVENESS_PACK

CONNECT_S = 5.0
CAMERA_S = 6.0
LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one trial gave; `problem` is None when it is in order."""

    name: str
    problem: str | None


def examine(settings: Settings, settings_file: Path) -> list[Finding]:
    """Try keys, secrets, networks, limits, disk, evidence mode, broker and cameras, in this order; one failing trial stops no other."""
    trials: dict[str, Callable[[], str | None]] = {
        "keys": lambda: _keys(settings),
        "secrets": lambda: _detail(secrets.check(settings_file, settings.windows)),
        "weights": lambda: _detail(weights.check(settings.files.models_dir)),
        "limits": lambda: _limits(settings),
        "disk": lambda: _disk(settings),
        "evidence": lambda: _detail(evidence.check(settings.evidence_mode, settings.evidence)),
        "broker": lambda: _broker(settings),
    }
    found = [Finding(name=name, problem=_tried(trial)) for name, trial in trials.items()]
    return found + [Finding(name=f"camera {window.window}", problem=_camera(settings, window)) for window in settings.windows]


def _tried(trial: Callable[[], str | None]) -> str | None:
    try:
        return trial()
    except (AgentError, ModelError, OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def _keys(settings: Settings) -> str | None:
    load_signer(settings.files.sign_key)
    load_seal_key(settings.files.seal_key)
    load_token(settings.files.till_token)
    trusted(settings.centre.sign_keys)
    name = load_pem_x509_certificate(settings.files.tls_cert.read_bytes()).subject.rfc4514_string()
    if settings.device_id not in name:
        return f"the TLS certificate is for {name}, not for {settings.device_id}; enrol again"
    return None


def _limits(settings: Settings) -> str | None:
    if weights.check(settings.files.models_dir):  # said by a trial of its own; limits cannot be held against networks that are not there
        return None
    pack = networks(settings)
    measured(settings.limits, pack.embedder.version)
    liveness_limits(settings.liveness, settings.windows, pack.liveness)
    if settings.liveness.enabled and pack.liveness is None:
        return f"liveness will not be evaluated, its networks are missing: python -m models fetch --pack {LIVENESS_PACK}"
    return None


def _disk(settings: Settings) -> str | None:
    settings.files.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _detail(disk.check(settings.files.data_dir, settings.upkeep.min_free_mb))


def _broker(settings: Settings) -> str | None:
    host, port = settings.broker.host, settings.broker.port
    with socket.create_connection((host, port), CONNECT_S) as plain, new_tls(settings).wrap_socket(plain, server_hostname=host):
        return None


def _camera(settings: Settings, window: Window) -> str | None:
    camera = new_camera(settings, window, SystemClock())
    camera.start()
    until_s = time.monotonic() + CAMERA_S
    while camera.newest() is None and time.monotonic() < until_s:
        time.sleep(LOOK_S)
    camera.stop()
    return None if camera.newest() is not None else f"no picture within {CAMERA_S:.0f} s"


def _detail(problem: Problem | None) -> str | None:
    return None if problem is None else problem.detail
