"""Real witnesses as processes of their own, and false ones that answer what they are told to."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

SCRIPT = Path(__file__).parents[3] / "scripts" / "witness.py"


def new_witness(folder: Path, name: str) -> str:
    """Make a witness's key; returns its verifier key."""
    command = [sys.executable, str(SCRIPT), "key", "--name", name, "--folder", str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def running_witness(folder: Path, log_key: str) -> Iterator[str]:
    """Its address. Killed at the end without a chance to tidy up."""
    command = [sys.executable, str(SCRIPT), "serve", "--folder", str(folder), "--log", log_key, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.communicate()


@contextmanager
def false_witness(answer: Callable[[BaseHTTPRequestHandler, bytes], object]) -> Iterator[str]:
    """Something over real HTTP that does with each request what `answer` does."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                answer(self, self.rfile.read(int(self.headers["Content-Length"])))
            except OSError:
                return

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
