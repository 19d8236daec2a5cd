"""The unit under a real systemd: it starts locked down, is started again when it dies or stands still, and ends in time."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.events import Capture, parse_event
from contract.sealed import verify
from edge_agent.chain import outbox
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.film.recorder import NICENESS
from edge_agent.wiring import OUTBOX_SCHEMA
from models.errors import ModelError
from models.pack import load_pack
from scripts.stack import free_port
from tests.e2e.system import CannotRun, System, reachable_python
from tests.edge_agent.building import Terminal, make_terminal

ROOT = Path(__file__).parents[2]
UNIT = "edge-agent.service"
DATA = "/var/lib/private/edge-agent"
STOP_WITHIN_S = 5.0
WATCHDOG_S = 2


class Installed:
    """The agent as the unit file tells to install it, on a port of its own and with a shorter patience of the watchdog."""

    def __init__(self, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        pictures = ROOT / "tests"  # a folder that the service may read; it holds no picture, so the window is blind
        windows = f'[[windows]]\nwindow = "W1"\nsource = "{pictures}"\nloop = true\n'
        self.terminal: Terminal = make_terminal(folder / "enrolled", windows=windows, more='evidence_mode = "all"\nlegal_basis = "test"\n')
        settings = self.terminal.settings_file.read_text(encoding="utf-8").replace("[till]\nport = 0", f"[till]\nport = {self.port}")
        settings = settings.replace(
            'data_dir = "data"', 'data_dir = "/var/lib/edge-agent"\nmodels_dir = "/opt/insurance-window-watch/var/models"'
        )
        self.terminal.settings_file.write_text(settings, encoding="utf-8")
        units = {
            UNIT: (ROOT / "config" / "systemd" / UNIT).read_text(encoding="utf-8"),
            f"{UNIT}.d/here.conf": f"[Unit]\nDefaultDependencies=no\n[Service]\nWatchdogSec={WATCHDOG_S}\n"
            f"StandardError=file:/run/log/agent\n{reachable_python()}",
        }
        self.system = System(folder / "system", ROOT, units=units, etc=self.terminal.folder)

    def ask(self, path: str, fields: dict[str, str] | None = None) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self.terminal.token}", "Content-Type": "application/json"}
        body = None if fields is None else json.dumps(fields).encode()
        address = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=20) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def open(self, msgid: str) -> dict[str, object]:
        return self.ask("/session/start", {"msgid": msgid, "infno": "2207", "psn_no": "P1", "mdtrt_cert_type": "02", "window": "W1"})

    def main_pid(self) -> str:
        return self.system.property(UNIT, "MainPID")

    def status(self) -> str:
        return self.system.inside("cat", f"/proc/{self.main_pid()}/status").stdout

    def log(self) -> str:
        return self.system.inside("cat", "/run/log/agent", check=False).stdout

    def captures(self) -> list[str]:
        copy = self.folder / "copy"
        self.system.inside("cp", "-rL", DATA, str(copy))
        vault = Vault.open(copy / "outbox.db", vault_key(copy / "vault.key"), OUTBOX_SCHEMA)
        signed = outbox.Outbox(vault, new_epoch=1).events_after(0, 100)
        found = [parse_event(verify(one, self.terminal.find_device_key, "event").payload) for _, one in signed]
        return [event.msgid for event in found if isinstance(event, Capture)]


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    try:
        load_pack(ROOT / "var" / "models")
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")
    if not (ROOT / ".venv" / "bin" / "python").exists():
        pytest.skip("the unit starts .venv/bin/python of the program's folder: scripts/setup makes it")
    try:
        agent = Installed(tmp_path)
        with agent.system:
            yield agent
    except CannotRun as error:
        pytest.skip(str(error))


def wait_for(what: Callable[[], bool], within_s: float) -> None:
    until_s = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < until_s, "it did not come about"
        time.sleep(0.1)


def test_the_unit_runs_locked_down_starts_again_and_ends_in_time(installed: Installed) -> None:
    system = installed.system
    done = system.control("start", UNIT, check=False)
    assert done.returncode == 0, done.stderr + installed.log()
    assert system.property(UNIT, "StatusText") == f"answers the till on port {installed.port}"
    status = installed.status()
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status
    assert int(status.split("Uid:")[1].split()[0]) > 60_000, "a user that exists only while it runs"
    assert system.inside("stat", "-L", "-c", "%a", DATA).stdout.strip() == "700"
    assert set(system.inside("bash", "-c", f"stat -c %a {DATA}/*").stdout.split()) == {"600"}
    assert installed.open("M1")["answer"] in ("remind", "manual")
    nice = system.inside("bash", "-c", f"cut -d' ' -f19 /proc/{installed.main_pid()}/task/*/stat").stdout.split()
    assert nice.count(str(NICENESS)) == 1, "the thread that makes film gives way, and lives"

    first = installed.main_pid()
    system.inside("kill", "-KILL", first)
    wait_for(lambda: system.property(UNIT, "NRestarts") == "1" and system.property(UNIT, "ActiveState") == "active", 30)
    installed.open("M2")

    second = installed.main_pid()
    system.inside("kill", "-STOP", second)
    wait_for(lambda: system.property(UNIT, "NRestarts") == "2" and system.property(UNIT, "ActiveState") == "active", 30)
    assert installed.main_pid() not in (first, second, "0")
    installed.open("M3")
    problems = installed.ask("/health")["problems"]
    assert isinstance(problems, list) and not {"canary", "threads", "store"} & {problem["check"] for problem in problems}

    begun_s = time.monotonic()
    system.control("stop", UNIT)
    took_s = time.monotonic() - begun_s
    print(f"systemctl stop took {took_s:.2f} s")
    assert took_s < STOP_WITHIN_S
    assert system.property(UNIT, "Result") == "success"
    assert sorted(installed.captures()) == ["M1", "M2", "M3"]
