"""The whole product as real processes in one folder: broker, ingest, console, agent. Used by the demonstration and by end-to-end tests."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from central import migrate
from central.broker import files as broker_files
from central.broker.process import find_server
from central.db import reading, utc_now
from central.devices import service as devices
from central.keys import make_keys
from central.settings import Settings
from central.sites.model import NewSite
from central.wiring import Centre, open_centre
from scripts.enrolling.both_ends import Terminal, enrol

ROOT = Path(__file__).resolve().parent.parent
_READY_S = 120  # a start takes seconds; on a machine with much else to do, many times that


class NotReady(RuntimeError):
    """A part of the stack did not come up or do its work in time."""


@dataclass(slots=True)
class Child:
    """One process of the stack with its log."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; output goes to its log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal and wait until it is gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""


def free_port() -> int:
    """A TCP port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(address: str) -> bool:
    """Whether an HTTP address gives a page within two seconds."""
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def takes_connections(port: int) -> bool:
    """Whether something listens at this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(what: str, condition: Callable[[], bool], seconds: float = _READY_S) -> None:
    """Poll until it holds. Raises NotReady."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotReady(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.1)


class Stack:
    """Centre, broker and one terminal with its windows. Everything lies below `folder`; ports are free ones."""

    def __init__(
        self,
        folder: Path,
        site: NewSite,
        windows: Mapping[str, str],
        *,
        mosquitto: bool = False,
        agent_toml: str = "",
        line_port: int | None = None,
        supervised: bool = False,
    ) -> None:
        """Make keys, database, site and settings; starts nothing. `windows` maps names to cameras, `agent_toml` ends the settings;
        `line_port` is where the terminal looks for the broker, if something stands between. `supervised` runs the broker by the centre's
        command, which lets certificates in and cuts them off while it runs; without it the server runs alone, with the files of the start.
        """
        self.folder, self._mosquitto, self._supervised = folder, mosquitto, supervised
        folder.mkdir(parents=True, exist_ok=True)
        self.broker_port, self.web_port, self.till_port = free_port(), free_port(), free_port()
        self._settings_file = folder / "central.toml"
        self._settings_file.write_text(self._central_toml(), encoding="utf-8")
        settings = Settings.read(self._settings_file)
        make_keys(settings.keys_dir, broker_hosts=("127.0.0.1", "localhost"), now=utc_now())
        self.centre: Centre = open_centre(settings)
        migrate.upgrade(self.centre.engine)
        terminal = Terminal(
            device_id=f"{site.fixmedins_code}-t1",
            windows=tuple(windows.items()),
            broker_host="127.0.0.1",
            broker_port=line_port or self.broker_port,
            till_port=self.till_port,
            extra=agent_toml,
        )
        self.agent_folder = folder / "terminal"
        agent_settings = enrol(self.centre, site, terminal, self.agent_folder)
        self.broker = self._broker()
        self.ingest = self._child("ingest", "central", "ingest", "--settings", str(self._settings_file))
        self.console = self._child("console", "central", "serve", "--settings", str(self._settings_file))
        self.agent = self._child("agent", "edge_agent", "run", "--settings", str(agent_settings))

    def start(self) -> None:
        """Start everything and wait until each part answers. Raises NotReady with the end of the log of what does not."""
        self.broker.start()
        self.wait_for_broker()
        for child in (self.ingest, self.console, self.agent):
            child.start()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until console and agent answer."""
        self._wait_for(self.console, f"http://127.0.0.1:{self.web_port}/healthz")
        self._wait_for(self.agent, f"http://127.0.0.1:{self.till_port}/health")

    def wait_for_broker(self) -> None:
        """Wait until the broker takes connections."""
        self._wait_until(self.broker, lambda: takes_connections(self.broker_port))

    def _wait_for(self, child: Child, address: str) -> None:
        self._wait_until(child, lambda: answers(address))

    def _wait_until(self, child: Child, ready: Callable[[], bool]) -> None:
        try:
            wait_until(f"{child.name} answering", lambda: not child.alive or ready())
        except NotReady as error:
            raise NotReady(f"{error}; its log ends:\n{child.tail()}") from None
        if not child.alive:
            raise NotReady(f"{child.name} ended at once; its log ends:\n{child.tail()}")

    def stop(self) -> None:
        """End everything politely, the agent first."""
        for child in (self.agent, self.console, self.ingest):
            child.kill(signal.SIGTERM)
        self.stop_broker()

    def stop_broker(self) -> None:
        """End the broker alone, politely."""
        self.broker.kill(signal.SIGTERM)

    @property
    def token(self) -> str:
        """The till's token."""
        return (self.agent_folder / "till.token").read_text(encoding="utf-8").strip()

    def till(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST to the till's interface as the settlement software does."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.till_port}{path}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def health(self) -> dict[str, Any]:
        """What the agent says of itself."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.till_port}/health", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def __enter__(self) -> Self:
        """Start."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop."""
        self.stop()

    def _child(self, name: str, module: str, *arguments: str) -> Child:
        return Child(name=name, command=[sys.executable, "-m", module, *arguments], log=self.folder / f"{name}.log")

    def _broker(self) -> Child:
        if self._supervised:
            kind = "mosquitto" if self._mosquitto else "embedded"
            return self._child("broker", "central", "broker", "--kind", kind, "--settings", str(self._settings_file))
        with reading(self.centre.engine).begin() as db:
            clients = devices.clients(db)
        written, _ = broker_files.write(self.folder / "broker", self.centre.keys, host="127.0.0.1", port=self.broker_port, clients=clients)
        log = self.folder / "broker.log"
        if not self._mosquitto:
            return Child(name="nats-server", command=[str(find_server()), "-c", str(written.nats)], log=log)
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise NotReady("mosquitto is not installed: apt-get install mosquitto")
        return Child(name="mosquitto", command=[program, "-c", str(written.mosquitto)], log=log)

    def _central_toml(self) -> str:
        models = os.environ.get("MODELS_DIR")
        named = f"models_dir = {json.dumps(models)}\n" if models else ""
        return (
            f"data_dir = {json.dumps(str(self.folder / 'central'))}\n{named}"
            f"rules_file = {json.dumps(str(ROOT / 'config' / 'rules.toml'))}\n"
            f"[broker]\nport = {self.broker_port}\n[web]\nport = {self.web_port}\n"
        )
