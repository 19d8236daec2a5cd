"""Try everything that the agent needs before it is left alone at a window."""

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.x509 import load_pem_x509_certificate

from contract.camera_address import shown
from contract.state import Problem
from edge_agent.clock import SystemClock
from edge_agent.disk.vault import Vault
from edge_agent.errors import AgentError
from edge_agent.health import machine
from edge_agent.health.canary import Canary, Line
from edge_agent.health.checks import certificate, disk, evidence, memory, secrets, temperature, weights
from edge_agent.judging.calibration import liveness_limits, measured
from edge_agent.keyring import load_keys, tls_files
from edge_agent.keys import load_token, trusted
from edge_agent.link.connection import new_tls
from edge_agent.orders import site
from edge_agent.orders.standing import Standing
from edge_agent.sections.core import Window
from edge_agent.settings import Settings
from edge_agent.software import networks
from edge_agent.till.server import HOST
from edge_agent.window.watching import new_camera
from models.errors import ModelError
from models.pack import LIVENESS_PACK
from models.results import Picture

CONNECT_S = 5.0
CAMERA_S = 6.0
LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one trial gave; `problem` is None when it is in order, and `says` how."""

    name: str
    problem: str | None
    says: str = "in order"


Seen = Callable[[Window, Picture], None]


def examine(standing: Standing, seen: Seen = lambda _window, _picture: None) -> list[Finding]:
    """Try everything in the order in which it is needed, cameras last; one failing trial stops no other. Says what the centre has set.

    `seen` is shown a picture of each camera that gives one; it is kept nowhere else.
    """
    settings, settings_file = standing.settings, standing.file
    trials: dict[str, Callable[[], str | None]] = {
        "keys": lambda: _keys(settings),
        "secrets": lambda: _detail(secrets.check(settings_file, settings.windows)),
        "weights": lambda: _detail(weights.check(settings.files.models_dir)),
        "limits": lambda: _limits(settings),
        "disk": lambda: _disk(settings),
        "machine": lambda: _machine(settings),
        "certificate": lambda: _certificate(settings),
        "evidence": lambda: _detail(evidence.check(settings.evidence_mode, settings.evidence)),
        "till": lambda: _till(settings),
        "broker": lambda: _broker(settings),
        "canary": lambda: _canary(settings),
    }
    found = [Finding(name=name, problem=_tried(trial)) for name, trial in trials.items()]
    found.append(_orders(standing))
    return found + [Finding(name=f"camera {window.window}", problem=_camera(settings, window, seen)) for window in settings.windows]


def _orders(standing: Standing) -> Finding:
    try:
        problem, says = (
            standing.problem or (site.said(standing) if standing.revoked else None),
            [site.said(standing), *site.values(standing)],
        )
    except OSError as error:
        problem, says = str(error), []
    return Finding(name="orders", problem=problem, says="; ".join(says))


def _tried(trial: Callable[[], str | None]) -> str | None:
    try:
        return trial()
    except (AgentError, ModelError, OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def _keys(settings: Settings) -> str | None:
    load_keys(settings.files)
    load_token(settings.files.till_token)
    trusted(settings.centre.sign_keys)
    name = load_pem_x509_certificate(tls_files(settings.files)[0].read_bytes()).subject.rfc4514_string()
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


def _machine(settings: Settings) -> str | None:
    limits = settings.machine
    hot = temperature.check(machine.hottest_c(), limits.max_temperature_c)
    resident, available = machine.resident_mb(), machine.available_mb()
    short = memory.check(resident, available, max_mb=limits.max_memory_mb, min_available_mb=limits.min_free_memory_mb)
    return _detail(hot or short)


def _certificate(settings: Settings) -> str | None:
    ends = machine.certificate_ends(tls_files(settings.files)[0])
    return _detail(certificate.check(ends, SystemClock().now(), settings.machine.certificate_days))


def _till(settings: Settings) -> str | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, settings.till.port))
        except OSError as error:
            return f"port {settings.till.port} on {HOST} is taken ({error.strerror}); stop the agent first, or set another till.port"
    return None


def _broker(settings: Settings) -> str | None:
    host, port = settings.broker.host, settings.broker.port
    try:
        with socket.create_connection((host, port), CONNECT_S) as plain, new_tls(settings).wrap_socket(plain, server_hostname=host):
            return None
    except ssl.SSLError as error:
        why = error.reason or error
        return f"{host}:{port} answers, but TLS fails ({why}); compare tls_ca, tls_cert and tls_key with the centre's, or enrol again"
    except OSError as error:
        return f"{host}:{port} is not reached ({error}); look at the line, the firewall, and [broker] host and port"


def _canary(settings: Settings) -> str | None:
    """As it runs every hour, here with a store in memory."""
    if weights.check(settings.files.models_dir):
        return None
    store, keys = Vault.in_memory(""), load_keys(settings.files)
    line = Line(
        pack=networks(settings),
        signer=keys.signer,
        seal_key=keys.seal_keys[0],
        vaults=(store,),
    )
    canary = Canary(line, every_s=settings.machine.canary_every_s, clock=SystemClock(), idle=lambda: True)
    canary.run()
    store.close()
    return (
        None if canary.fault is None else f"the test picture failed at {canary.fault}; run: python -m models fetch, python -m models check"
    )


def _camera(settings: Settings, window: Window, seen: Seen) -> str | None:
    camera = new_camera(settings, window, SystemClock())
    camera.start()
    until_s = time.monotonic() + CAMERA_S
    while camera.newest() is None and time.monotonic() < until_s:
        time.sleep(LOOK_S)
    camera.stop()
    frame = camera.newest()
    if frame is not None:
        seen(window, frame.picture)
        return None
    where = shown(window.source)
    return f"no picture within {CAMERA_S:.0f} s from {where}; look at power, cable, address and password, and stop the agent first"


def _detail(problem: Problem | None) -> str | None:
    return None if problem is None else problem.detail
