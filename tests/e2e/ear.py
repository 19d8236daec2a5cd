"""What a service manager hears. It reads all the time: a queue that nobody reads soon takes no more (net.unix.max_dgram_qlen)."""

import socket
from pathlib import Path
from queue import Queue
from threading import Thread

_OVER = b""


class Ear:
    """Listens at an address in the file system."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[str] = []
        """All of it, from the first."""
        self._next: Queue[str] = Queue()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def next(self, seconds: float = 40) -> str:
        """What was said after what was asked for last. Raises queue.Empty."""
        return self._next.get(timeout=seconds)

    def close(self) -> None:
        """Hear no more."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(_OVER, str(self.path))
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while (said := self._socket.recv(1000)) != _OVER:
            self.heard.append(said.decode())
            self._next.put(said.decode())
