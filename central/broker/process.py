"""A broker as a child process: the embedded one (a NATS server, for one machine and for trying things out), or Mosquitto."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from central.errors import Misconfigured

_READY_S = 15
_STOP_S = 10


def find_server(path: Path | None = None) -> Path:
    """The server's program: the one given, else the one installed beside this Python, else on PATH. Raises Misconfigured."""
    beside = Path(sys.executable).parent / "nats-server"
    found = path or (beside if beside.is_file() else None) or shutil.which("nats-server")
    if found is None or not Path(found).is_file():
        raise Misconfigured(
            f"no nats-server program at {path or beside} or on PATH: install the extra `embedded`, or name another broker in the settings"
        )
    return Path(found)


def find_mosquitto(path: Path | None = None) -> Path:
    """Mosquitto's program: the one given, else the system's. Raises Misconfigured."""
    found = path or shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None or not Path(found).is_file():
        raise Misconfigured(f"no mosquitto program at {path or 'PATH or /usr/sbin'}: apt-get install mosquitto, or name it with --program")
    return Path(found)


def end(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """End a child process politely, and by force if it takes longer. One that has ended already is left alone."""
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class BrokerProcess:
    """Runs a broker with one configuration file; `reload` makes it read its files again, and whoever is gone from them reaches nothing."""

    def __init__(self, *, program: Path, configuration: Path, port: int, log: Path) -> None:
        """Does not start it yet."""
        self._command = [str(program), "-c", str(configuration)]
        self._port = port
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it takes connections. Raises Misconfigured with the end of its log if it does not."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(0.5)
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        tail = self._log.read_text(errors="replace")[-2000:]
        raise Misconfigured(
            f"the broker {Path(self._command[0]).name} did not come up on port {self._port} within {_READY_S} s; "
            f"its log {self._log} ends:\n{tail}"
        )

    @property
    def pid(self) -> int | None:
        """Process number while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def reload(self) -> None:
        """Read the configuration again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def restart(self) -> None:
        """End it and start it again, as for another certificate of its own, which not every broker reads anew. Raises Misconfigured."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """End it politely, then by force."""
        if self._process is not None:
            end(self._process, _STOP_S)
            self._process = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop."""
        self.stop()


class EmbeddedBroker(BrokerProcess):
    """The NATS server. At a reload it also cuts the connections of users that are gone."""

    def __init__(self, *, configuration: Path, port: int, log: Path, program: Path | None = None) -> None:
        """Raises Misconfigured without a program; does not start it yet."""
        super().__init__(program=find_server(program), configuration=configuration, port=port, log=log)


class Mosquitto(BrokerProcess):
    """Mosquitto. At a reload it leaves connections open; devices that are gone from its files send and receive nothing on them any more."""

    def __init__(self, *, configuration: Path, port: int, log: Path, program: Path | None = None) -> None:
        """Raises Misconfigured without a program; does not start it yet."""
        super().__init__(program=find_mosquitto(program), configuration=configuration, port=port, log=log)
