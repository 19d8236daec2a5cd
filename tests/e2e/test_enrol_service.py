"""A machine becomes a terminal by one command, with a real systemd and a real centre: the service runs, is let in, and stays so."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.db import reading, utc_now
from central.devices import service as devices
from central.enrolment import service as enrolment
from central.enrolment.model import PlannedCamera, PlannedTerminal
from central.orders import service as orders
from central.orders.model import Asking
from central.sites.model import NewSite
from contract.enrolment import Token
from contract.events import EvidenceMode
from models.errors import ModelError
from models.pack import load_pack
from scripts.enrolling.registering import Entry, register
from scripts.stack import Stack, answers, free_port, wait_until
from tests.e2e.system import PROGRAM, CannotRun, System

ROOT = Path(__file__).resolve().parents[2]
UNIT, FOLDER, KEYS = "edge-agent.service", "/opt/terminal", "/var/lib/private/edge-agent/keys.pem"
PICTURES = str(ROOT / "tests")  # a folder that the service may read; it holds no picture, so the window is blind
SITE = NewSite(
    fixmedins_code="P11010000001",
    fixmedins_name="示例药房",
    admdvs="110100",
    evidence_mode=EvidenceMode.VERDICT_ONLY,
    legal_basis=None,
)
DEVICE = f"{SITE.fixmedins_code}-t2"


class Town:
    """A centre whose broker lets new terminals in while it runs, and a machine with a systemd of its own."""

    def __init__(self, folder: Path) -> None:
        self.till_port = free_port()
        self.stack = Stack(folder / "centre", SITE, {"W1": PICTURES}, supervised=True)
        note = folder / "etc"
        note.mkdir()
        (note / "empty").touch()
        here = f"[Unit]\nDefaultDependencies=no\n[Service]\nStandardError=file:/run/log/agent\nEnvironment=PYTHONPATH={PROGRAM}\n"
        self.system = System(folder / "system", ROOT, units={f"{UNIT}.d/here.conf": here}, etc=note)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.stack.web_port}"

    def begin(self) -> None:
        self.stack.broker.start()
        self.stack.wait_for_broker()
        for child in (self.stack.ingest, self.stack.console):
            child.start()
        wait_until("the console", lambda: answers(f"{self.address}/healthz"))

    def token(self) -> Token:
        """Of a terminal that is new."""
        terminal = PlannedTerminal(
            device_id=DEVICE,
            fixmedins_code=SITE.fixmedins_code,
            cameras=(PlannedCamera(window="W1", source=PICTURES),),
            broker_host="127.0.0.1",
            broker_port=self.stack.broker_port,
            till_port=self.till_port,
        )
        with self.stack.centre.engine.begin() as db:
            token, _ = register(db, self.stack.centre, Entry(site=SITE, terminal=terminal), addresses=(self.address,))
        assert token is not None
        return token

    def renewed(self) -> Token:
        with self.stack.centre.engine.begin() as db:
            return enrolment.issue(db, self.stack.centre.keys, DEVICE, addresses=(self.address,), now=utc_now(), actor="test", renew=True)

    def enrol(self, token: Token, *more: str) -> subprocess.CompletedProcess[str]:
        program = ("env", "-u", "MODELS_DIR", f"PYTHONPATH={PROGRAM}", f"{PROGRAM}/.venv/bin/python", "-m", "edge_agent", "enrol")
        words = (token.text(), "--folder", FOLDER, "--by", "test", "--service", *more)
        return self.system.inside(*program, *words, check=False, within_s=240)

    def kid(self) -> str:
        """The key that the centre seals to."""
        with reading(self.stack.centre.engine).begin() as db:
            return devices.current_key(db, DEVICE).kid

    def log(self) -> str:
        return self.system.inside("cat", "/run/log/agent", check=False).stdout[-3000:]

    def require_served(self) -> None:
        """Wait until the service is connected and the centre has receipted all that it said."""
        try:
            wait_until("a terminal that is heard", self._is_served, 60)
        except RuntimeError as error:
            raise AssertionError(f"{error}: {self.system.property(UNIT, 'StatusText')} {self.log()} {self.stack.broker.tail()}") from None
        assert self.system.property(UNIT, "ActiveState") == "active"

    def _is_served(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.till_port}/health", timeout=5) as answer:
                health = json.load(answer)
        except OSError:
            return False
        with reading(self.stack.centre.engine).begin() as db:
            return bool(health["connected"]) and health["backlog"] == 0 and DEVICE in devices.alive(db, utc_now())


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    try:
        load_pack(ROOT / "var" / "models")
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")
    if not (ROOT / ".venv" / "bin" / "python").exists():
        pytest.skip("the unit starts .venv/bin/python of the program's folder: scripts/setup makes it")
    try:
        town = Town(tmp_path)
        with town.system:
            try:
                town.begin()
                yield town
            finally:
                town.stack.stop()
    except CannotRun as error:
        pytest.skip(str(error))


@pytest.mark.timeout(600)
def test_one_command_makes_a_service_that_keeps_its_place_through_new_keys_and_a_new_enrolment(town: Town) -> None:
    token = town.token()
    done = town.enrol(token)
    assert "edge-agent is installed and started" in done.stdout, done.stdout + done.stderr + town.log()
    bad = [line for line in done.stdout.splitlines() if line.startswith("BAD")]
    assert len(bad) == 1 and "camera W1" in bad[0], done.stdout
    town.require_served()
    first = town.kid()

    with town.stack.centre.engine.begin() as db:
        orders.ask_rekey(db, DEVICE, "routine", by=Asking(actor="test", purpose="try it", at=utc_now()))
    wait_until("new keys", lambda: town.system.inside("test", "-e", KEYS, check=False).returncode == 0 and town.kid() != first, 60)
    assert town.system.inside("stat", "-c", "%a", KEYS).stdout.strip() == "600"
    town.require_served()

    before = town.system.property(UNIT, "MainPID")
    again = town.enrol(token)
    assert "was used here before" in again.stdout and "installed and started" in again.stdout, again.stdout + again.stderr
    assert town.system.property(UNIT, "MainPID") != before
    town.require_served()
    second = town.kid()

    renewed = town.renewed()
    refused = town.enrol(renewed, "--replace")
    assert refused.returncode == 2 and town.kid() == second, refused.stdout
    move = re.search(r"\((mv [^)]+)\)", refused.stderr)
    assert move is not None, refused.stderr
    town.system.control("stop", UNIT)
    town.system.inside("bash", "-c", move[1])
    replaced = town.enrol(renewed, "--replace")
    assert "edge-agent is installed and started" in replaced.stdout, replaced.stdout + replaced.stderr + town.log()
    assert [line for line in replaced.stdout.splitlines() if line.startswith("BAD")] == bad
    town.require_served()
    assert town.kid() not in (first, second)
    assert json.loads(town.system.inside("cat", f"{FOLDER}/enrolment.json").stdout)["device_kid"] == town.kid()
