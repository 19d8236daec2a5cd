"""What support needs to help from afar, as one JSON file, and nothing that was not chosen for it.

Everything is taken by an allow list: of settings only numbers, switches and a few choices; of log lines only fields and forms named here;
of stores only counts. So no face, template, identity number, key, token, password or path of a camera can be in it, also not by accident.
"""

import json
import os
import platform
import re
import shutil
import urllib.request
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from contract.camera_address import URL
from edge_agent.clock import SystemClock
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.errors import AgentError
from edge_agent.health import machine
from edge_agent.orders.standing import Standing
from edge_agent.sections.core import Window
from edge_agent.software import VERSION
from edge_agent.till.server import HOST
from edge_agent.wiring import OUTBOX_SCHEMA

ANSWER_S = 3.0
LOG_LINES = 500
PACKAGES = ("numpy", "onnxruntime", "opencv-python", "paho-mqtt", "pydantic", "cryptography", "sqlcipher3", "fastapi", "uvicorn")
HEALTH = ("connected", "backlog", "open_sessions", "liveness_available", "gallery_version", "gallery_people", "cameras", "problems")
LOG_WORDS = ("level", "event", "window", "outcome", "closing", "answer", "step", "recovered", "recorded", "applied")
LOG_NUMBERS = (
    "connection",
    "seconds",
    "count",
    "megabytes",
    "from_version",
    "to_version",
    "epoch",
    "seq",
    "till_port",
    "parts",
    "sessions",
)
WORD = re.compile(r"[a-z][a-z_-]{0,63}|W\d{1,3}", re.ASCII)
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{8,15}Z", re.ASCII)
COUNTS = ("events", "media", "sessions", "voids")


def collect(standing: Standing, log: Iterable[str] = ()) -> dict[str, Any]:
    """Everything that may leave; `log` are lines as the agent writes them, of which the last ones are looked at.

    Asks a running agent how it is and reads counts from its store; changes nothing. What cannot be had is said to be missing.
    """
    settings = standing.settings
    return {
        "made_at": SystemClock().now().isoformat(timespec="seconds"),
        "device_id": settings.device_id,
        "versions": _versions(),
        "settings": _numbers(settings) | {"evidence_mode": settings.evidence_mode, "evidence_in_force": settings.evidence},
        "orders": _orders(standing),
        "windows": [_window(window) for window in settings.windows],
        "health": _health(settings.till.port),
        "store": _store(settings.files.data_dir),
        "machine": _machine(settings.files.data_dir),
        "log": _log_lines(log),
    }


def write(content: Mapping[str, Any], file: Path) -> None:
    """Write it for this user only. Raises OSError, also when the file exists."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(content, out, indent=1, ensure_ascii=False)


def _versions() -> dict[str, str | None]:
    return {
        "agent": VERSION,
        "python": platform.python_version(),
        "system": platform.platform(),
        **{name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _numbers(table: BaseModel) -> dict[str, Any]:
    """Numbers and switches of a table and the tables in it; texts, paths and lists stay out."""
    found: dict[str, Any] = {}
    for name, value in table:
        if isinstance(value, BaseModel):
            found[name] = _numbers(value)
        elif isinstance(value, int | float):
            found[name] = value
    return found


def _orders(standing: Standing) -> dict[str, Any] | str:
    """What the centre has set above the file: `settings` holds it too, among the others."""
    try:
        held = standing.ledger.read()
    except OSError as error:
        return f"the orders cannot be read ({type(error).__name__})"
    ordered = {} if held.in_force is None else held.in_force.settings
    numbers = {section: {name: value for name, value in table.items() if not isinstance(value, str)} for section, table in ordered.items()}
    return {"set": numbers, "on_its_way": held.stage, "holds": standing.problem is None, "revoked": standing.revoked}


def _window(window: Window) -> dict[str, Any]:
    kind = URL.match(window.source)
    source = kind[1].lower() if kind else "usb" if window.source.isdecimal() else "file"
    return {
        "window": window.window,
        "source": source,
        "zone": window.zone,
        "loop": window.loop,
        "own_limits": window.liveness_limits is not None,
    }


def _health(port: int) -> dict[str, Any] | str:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=ANSWER_S) as answer:
            report = json.load(answer)
    except (OSError, ValueError) as error:
        return f"the agent does not answer ({type(error).__name__})"
    known = {name: report[name] for name in HEALTH if name in report}
    return known | {"problems": [problem["check"] for problem in known.get("problems", ())]}


def _store(folder: Path) -> dict[str, Any] | str:
    try:
        if not (folder / "outbox.db").is_file():
            return "there is no store yet"
        vault = Vault.open(folder / "outbox.db", vault_key(folder / "vault.key"), OUTBOX_SCHEMA)
    except (AgentError, OSError) as error:
        return f"the store cannot be opened ({type(error).__name__})"
    try:
        with vault.transaction() as db:
            epoch, last_seq, receipted = db.execute("SELECT epoch, last_seq, receipted FROM chain").fetchone() or (None, 0, 0)
            counts = {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in COUNTS}  # noqa: S608 - names of ours
            open_sessions = db.execute("SELECT count(*) FROM sessions WHERE closed = 0").fetchone()[0]
    finally:
        vault.close()
    return {"epoch": epoch, "last_seq": last_seq, "receipted": receipted, "sessions_open": open_sessions} | counts


def _machine(folder: Path) -> dict[str, Any]:
    return {
        "processors": os.cpu_count(),
        "temperature_c": machine.hottest_c(),
        "memory_available_mb": machine.available_mb(),
        "disk_free_mb": shutil.disk_usage(folder if folder.is_dir() else "/").free // 2**20,
        "data_bytes": sum(path.stat().st_size for path in folder.glob("*") if path.is_file()),
    }


def _log_lines(lines: Iterable[str]) -> list[dict[str, Any]]:
    kept = []
    for line in list(lines)[-LOG_LINES:]:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and (shown := _log_entry(entry)):
            kept.append(shown)
    return kept


def _log_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The fields whose name and form are allowed."""
    found: dict[str, Any] = {}
    if isinstance(at := entry.get("timestamp"), str) and TIME.fullmatch(at):
        found["timestamp"] = at
    for name in LOG_WORDS:
        if isinstance(value := entry.get(name), bool) or (isinstance(value, str) and WORD.fullmatch(value)):
            found[name] = value
    for name in LOG_NUMBERS:
        if isinstance(value := entry.get(name), int | float) and abs(value) < 1e10:
            found[name] = value
    return found
