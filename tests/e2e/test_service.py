"""The agent as a service: it says when it is ready and well, runs locked down, and ends in time with nothing lost, whatever hangs."""

import ctypes.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest

from contract.events import Capture, Closing, parse_event
from contract.sealed import verify
from edge_agent.chain import outbox
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.wiring import OUTBOX_SCHEMA
from models.errors import ModelError
from models.pack import load_pack
from scripts.stack import free_port
from tests.e2e.ear import Ear
from tests.edge_agent.building import Terminal, make_terminal

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "config" / "systemd" / "edge-agent.service"
STOP_WITHIN_S = 5.0


@pytest.fixture(scope="module", autouse=True)
def networks() -> None:
    try:
        load_pack()
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")


class HangingCamera:
    """Sends one JPEG of a stream and then nothing for ever: a read hangs in it."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._guests: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/stream"
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        picture = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8))[1].tobytes()
        head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"
        part = b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: " + str(len(picture)).encode() + b"\r\n\r\n" + picture + b"\r\n"
        while True:
            guest, _ = self._socket.accept()
            self._guests.append(guest)
            guest.sendall(head + part + part)


class Service:
    """The agent under a service manager that only listens."""

    def __init__(self, folder: Path, windows: str, *prefix: str, broker_port: int = 1) -> None:
        self.terminal: Terminal = make_terminal(folder, windows=windows, broker_port=broker_port)
        self.port = free_port()
        text = self.terminal.settings_file.read_text(encoding="utf-8").replace("[till]\nport = 0", f"[till]\nport = {self.port}")
        self.terminal.settings_file.write_text(text, encoding="utf-8")
        self._ear = Ear(folder / "notify")
        environment = os.environ | {"NOTIFY_SOCKET": str(self._ear.path), "WATCHDOG_USEC": "900000"}
        command = [*prefix, sys.executable, "-m", "edge_agent", "run", "--settings", str(self.terminal.settings_file)]
        self._log = folder / "log"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=log, env=environment)

    def hear(self) -> str:
        return self._ear.next()

    def open(self, msgid: str, window: str = "W1") -> dict[str, object]:
        fields = {"msgid": msgid, "infno": "2207", "psn_no": "P1", "mdtrt_cert_type": "02", "window": window}
        headers = {"Authorization": f"Bearer {self.terminal.token}", "Content-Type": "application/json"}
        address = f"http://127.0.0.1:{self.port}/session/start"
        with urllib.request.urlopen(urllib.request.Request(address, json.dumps(fields).encode(), headers), timeout=20) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def terminate(self) -> float:
        """Seconds until it was gone."""
        begun_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0, self.log()
        return time.monotonic() - begun_s

    def captures(self) -> list[Capture]:
        data = self.terminal.folder / "data"
        vault = Vault.open(data / "outbox.db", vault_key(data / "vault.key"), OUTBOX_SCHEMA)
        signed = outbox.Outbox(vault, new_epoch=1).events_after(0, 100)
        found = [parse_event(verify(one, self.terminal.find_device_key, "event").payload) for _, one in signed]
        return [event for event in found if isinstance(event, Capture)]

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._ear.close()


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Service]:
    """Three windows whose cameras hang in a read, and a broker that takes connections and says nothing."""
    deaf = socket.create_server(("127.0.0.1", 0))
    windows = "".join(f'[[windows]]\nwindow = "W{n}"\nsource = "{HangingCamera().url}"\n' for n in (1, 2, 3))
    service = Service(tmp_path, windows, broker_port=deaf.getsockname()[1])
    yield service
    service.close()
    deaf.close()


def test_it_ends_in_time_and_loses_nothing_though_cameras_and_broker_hang(hanging: Service) -> None:
    assert hanging.hear() == f"READY=1\nSTATUS=answers the till on port {hanging.port}"
    assert hanging.hear() == "WATCHDOG=1"
    for _ in range(20):  # six seconds, into the hanging reads of several openings
        assert hanging.hear() == "WATCHDOG=1"
    for n in (1, 2, 3):
        hanging.open(f"M{n}", f"W{n}")
    took_s = hanging.terminate()
    print(f"ended {took_s:.2f} s after SIGTERM with three sessions open")
    assert took_s < STOP_WITHIN_S
    assert sorted((one.msgid, one.closing) for one in hanging.captures()) == [(f"M{n}", Closing.STOPPED) for n in (1, 2, 3)]
    while hanging.hear() != "STOPPING=1":
        pass


def test_it_runs_locked_down_as_the_unit_says(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None or ctypes.util.find_library("seccomp") is None:
        pytest.skip("systemd-analyze or libseccomp is not installed: apt-get install systemd")
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / "a.png"), np.full((80, 80, 3), 99, np.uint8))
    windows = '[[windows]]\nwindow = "W1"\nsource = "pictures"\nloop = true\n'
    service = Service(tmp_path, windows, sys.executable, "-m", "tests.e2e.sandbox", str(UNIT))
    try:
        assert service.hear().startswith("READY=1"), service.log()
        assert service.open("M1")["answer"] in ("remind", "manual")
        status = Path(f"/proc/{service.process.pid}/status").read_text(encoding="ascii")
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
        time.sleep(2)
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/health", timeout=10) as answer:
            assert not {"canary", "threads"} & {problem["check"] for problem in json.load(answer)["problems"]}
        service.terminate()
        assert [(one.msgid, one.closing) for one in service.captures()] == [("M1", Closing.STOPPED)]
    finally:
        service.close()
