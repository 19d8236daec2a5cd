"""Orders of the centre to a real agent over a real broker: tried by itself, kept or taken back, and the end of a device."""

import ctypes.util
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from contract.commands import Configure, GalleryPage, Revoke
from contract.events import Capture, Outcome, Result, parse_event
from contract.sealed import verify
from contract.state import Birth
from contract.topics import Down
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.orders.ledger import SETTINGS
from models.errors import ModelError
from models.pack import Pack, load_pack
from scripts.stack import free_port
from tests.e2e.ear import Ear
from tests.edge_agent.broker import Broker, Centre, wait
from tests.edge_agent.building import DEVICE, entry, make_terminal

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "config" / "systemd" / "edge-agent.service"
SANDBOXED = shutil.which("systemd-analyze") is not None and ctypes.util.find_library("seccomp") is not None
MORE = """
[times]
window_after_s = 0.5
session_max_s = 30
presence_after_s = 1
[machine]
probation_s = 5
[link]
health_every_s = 1
resend_after_s = 2
"""
WINDOWS = '[[windows]]\nwindow = "W1"\nsource = "pictures"\nloop = true\n'


@pytest.fixture(scope="module")
def pack() -> Pack:
    try:
        return load_pack()
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")


class Shop:
    """A terminal whose agent runs as a process, under a service manager that listens, at a broker with a centre behind it."""

    def __init__(self, folder: Path, *prefix: str) -> None:
        self._prefix = prefix
        self.till_port = free_port()
        self.terminal = make_terminal(folder / "terminal", broker_port=free_port(), more=MORE, windows=WINDOWS)
        file = self.terminal.settings_file
        text = file.read_text(encoding="utf-8").replace("[till]\nport = 0", f"[till]\nport = {self.till_port}")
        port = int(text.split("[broker]")[1].split("port = ")[1].split("\n")[0])
        file.write_text('evidence_mode = "all"\nlegal_basis = "consent"\n' + text, encoding="utf-8")
        (self.terminal.folder / "pictures").mkdir()
        for number in range(20):  # something to see, and never the same
            grain = np.random.default_rng(number).integers(60, 255, (60, 80, 3), dtype=np.uint8)
            cv2.imwrite(str(self.terminal.folder / "pictures" / f"{number:02}.png"), cv2.resize(grain, (320, 240)))
        self.broker = Broker(self.terminal, folder / "broker", port)
        self.broker.start()
        self.centre = Centre(self.terminal, self.broker)
        self.centre.receipting = True
        self._ear = Ear(folder / "notify")
        self._environment = os.environ | {"NOTIFY_SOCKET": str(self._ear.path), "WATCHDOG_USEC": "3000000"}
        self.start()

    def start(self) -> None:
        command = [*self._prefix, sys.executable, "-m", "edge_agent", "run", "--settings", str(self.terminal.settings_file)]
        with (self.terminal.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=log, env=self._environment)
        assert wait(lambda: self.health().get("connected"), 40), self.log()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        self.centre.stop()
        self.broker.kill()
        self._ear.close()

    def log(self) -> str:
        return (self.terminal.folder / "log").read_text(encoding="utf-8")

    def readies(self) -> int:
        """How often the service manager heard READY."""
        return sum("READY=1" in one for one in self._ear.heard)

    def stoppings(self) -> int:
        """How often it heard STOPPING."""
        return sum("STOPPING" in one for one in self._ear.heard)

    def ask(self, path: str, body: Mapping[str, str] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.terminal.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.till_port}{path}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own port
            found: dict[str, Any] = json.load(answer)
            return found

    def health(self) -> dict[str, Any]:
        try:
            return self.ask("/health")
        except OSError:
            return {}

    def settle(self, msgid: str) -> dict[str, Any]:
        answer = self.ask("/session/start", {"msgid": msgid, "infno": "2207", "psn_no": "P1", "mdtrt_cert_type": "02", "window": "W1"})
        bound = {"msgid": msgid, "setl_id": f"S{msgid}", "mdtrt_id": "V1", "setl_time": "2026-01-02 09:30:21", "medfee_sumamt": "1.00"}
        assert self.ask("/session/bind", bound) == {"recorded": True}
        return answer

    def order(self, number: int, settings: Mapping[str, Mapping[str, Any]]) -> Configure:
        birth = self.births()[-1]
        fields = {"from_sha256": birth.software.settings_sha256, "settings": settings, "at": datetime.now(UTC)}
        until = datetime.now(UTC) + timedelta(hours=1)
        return Configure.model_validate(fields | {"device": DEVICE, "request": f"{number:032x}", "valid_until": until})

    def births(self) -> list[Birth]:
        return [state for state in self.centre.states if isinstance(state, Birth)]

    def events(self) -> list[Any]:
        signed = [one for _, one in sorted(self.centre.events.items())]
        return [parse_event(verify(one, self.terminal.find_device_key, "event").payload) for one in signed]

    def results(self) -> list[Result]:
        return [event for event in self.events() if isinstance(event, Result)]

    def captures(self) -> list[Capture]:
        return [event for event in self.events() if isinstance(event, Capture)]

    def send(self, command: Configure | Revoke) -> None:
        self.centre.send(Down.COMMAND, self.terminal.centre_signer.sign(command))

    def answered(self, command: Configure | Revoke, seconds: float = 60) -> Result:
        """Say it until it is answered, as a centre does."""

        def told() -> list[Result]:
            self.send(command)
            return [one for one in self.results() if one.request == command.request]

        assert wait(told, seconds), self.log()
        return told()[0]

    def rows(self, file: str, table: str) -> int:
        """Of this table; none where there is no such file or table."""
        data = self.terminal.folder / "data"
        if not (data / file).exists():
            return 0
        vault = Vault.open(data / file, vault_key(data / "vault.key"), "")
        with vault.transaction() as db:
            there = db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone()
            count = int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) if there else 0  # noqa: S608 - names of ours
        vault.close()
        return count


@pytest.fixture
def shop(tmp_path: Path, pack: Pack) -> Iterator[Shop]:
    one = Shop(tmp_path)
    yield one
    one.close()


@pytest.fixture
def locked(tmp_path: Path, pack: Pack) -> Iterator[Shop]:
    """As the unit file locks it down, where that can be done here: a new start must be allowed there, too."""
    one = Shop(tmp_path, *([sys.executable, "-m", "tests.e2e.sandbox", str(UNIT)] if SANDBOXED else []))
    yield one
    one.close()


def test_ordered_settings_are_tried_and_kept_or_taken_back_all_by_themselves(locked: Shop) -> None:
    shop = locked
    shop.settle("M1")  # the centre of these tests has nothing to receipt before
    first, pid = shop.births()[-1].software, shop.process.pid
    result = shop.answered(shop.order(1, {"limits": {"same": 0.7}, "times": {"idle_fps": 2}}))
    assert (result.result, result.why) == ("in_force", None)
    assert result.software is not None and result.software.limits_sha256 != first.limits_sha256
    assert shop.process.poll() is None and shop.readies() == 2, "the same process, ready again"
    assert wait(lambda: shop.births()[-1].software == result.software)

    for number, settings, why, names in (
        (2, {"view": {"bright_level": 128}}, "problem", "overexposed"),
        (3, {"limits": {"search_side": 1920}}, "canary", "detector"),
    ):
        failed = shop.answered(shop.order(number, settings))
        assert (failed.result, failed.why) == ("rolled_back", why) and names in failed.detail, shop.log()
        assert failed.software == result.software, "what was in force before is in force again"

    refused = shop.answered(shop.order(4, {"broker": {"host": "evil.example"}}))
    assert (refused.result, refused.why) == ("refused", "not_allowed")
    assert [one.result for one in shop.results()] == ["in_force", "rolled_back", "rolled_back", "refused"], "each answered once"
    assert shop.process.pid == pid and shop.readies() == 6 and shop.stoppings() == 0

    killed, trials = shop.order(5, {"limits": {"same": 0.8}}), shop.log().count("order_on_trial")
    shop.send(killed)
    assert wait(lambda: shop.log().count("order_on_trial") > trials, 30), shop.log()
    shop.kill()
    shop.start()
    interrupted = shop.answered(killed)
    assert (interrupted.result, interrupted.why, interrupted.software) == ("rolled_back", "interrupted", result.software)
    assert wait(lambda: shop.births()[-1].software == result.software), "the order before it is in force also after a crash"


def test_a_revoked_device_forgets_whom_it_knew_and_goes_on_delivering(shop: Shop, pack: Pack) -> None:
    vector = np.random.default_rng(1).normal(size=pack.embedder.size)
    page = GalleryPage(hold=(entry("P1", vector / np.linalg.norm(vector), embedder=pack.embedder.version),), forget=())
    gallery = shop.terminal.centre_signer.sign(shop.terminal.gallery(page, from_version=0, to_version=1))
    shop.centre.send(Down.COMMAND, gallery)
    assert wait(lambda: shop.health().get("gallery_people") == 1), shop.log()
    assert wait(lambda: shop.health()["cameras"][0]["state"] == "streaming")
    shop.settle("M1")
    assert wait(lambda: shop.captures() and shop.rows("film.db", "stills"), 40), shop.log()

    until = datetime.now(UTC) + timedelta(hours=1)
    result = shop.answered(Revoke(device=DEVICE, at=datetime.now(UTC), request="f" * 32, valid_until=until, why="stolen"))
    assert (result.result, result.why) == ("revoked", "stolen")
    for restarted in (False, True):
        if restarted:
            shop.kill()
            shop.start()
        shop.centre.send(Down.COMMAND, gallery)
        answer = shop.settle(f"M{2 + restarted}")
        assert (answer["answer"], answer["reasons"]) == ("manual", ["revoked"])
        assert wait(lambda: len(shop.captures()) == 2 + restarted, 40), shop.log()  # noqa: B023 - used at once
        capture = shop.captures()[-1]
        assert capture.outcome is Outcome.BLIND and "revoked" in capture.reasons and not capture.media and capture.embedding is None
        health = shop.health()
        assert "revoked" in [problem["check"] for problem in health["problems"]]
        assert (health["gallery_people"], health["cameras"]) == (0, [])
        assert [shop.rows("gallery.db", "faces"), shop.rows("film.db", "stills"), shop.rows("film.db", "takes")] == [0, 0, 0]
        assert shop.rows("outbox.db", "requests") == 0
    assert [one.result for one in shop.results()] == ["revoked"]
    assert not (shop.terminal.folder / "data" / SETTINGS).exists()
