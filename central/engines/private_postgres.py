"""A PostgreSQL server of our own from the system's package: its own folder, a socket and no port; gone afterwards."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from central.engines.own_folder import own_folder
from central.errors import Misconfigured

_PACKAGE = Path("/usr/lib/postgresql")
_PACKAGES_USER = "postgres"
_READY_S, _STOP_S = 30, 10
_NOTHING_IS_KEPT = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0")
_FOR_ONE = ("listen_addresses=", "autovacuum=off")


def find_programs() -> Path:
    """The folder of the newest server's programs. Raises Misconfigured where none is installed."""
    found = sorted(_PACKAGE.glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]) if each.parts[-3].isdigit() else 0)
    if not found:
        raise Misconfigured(
            f"engine postgres: no PostgreSQL server in {_PACKAGE}: apt-get install postgresql, or name one that runs with --server URL"
        )
    return found[-1].parent


@contextmanager
def private_postgres(folder: Path | None = None) -> Iterator[str]:
    """The URL of an empty server, for this process alone, which ends with it. Its files lie in a folder of their own inside `folder`.

    Raises Misconfigured, with the end of its log, if it does not start.
    """
    programs = find_programs()
    with own_folder(folder) as own:
        account = _account(own)
        data = own / "pg"
        made: list[str | Path] = [programs / "initdb", "-D", data, "-U", "central", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        _checked(subprocess.run(made, check=False, capture_output=True, user=account, text=True))
        options = [part for option in (*_NOTHING_IS_KEPT, *_FOR_ONE, f"unix_socket_directories={own}") for part in ("-c", option)]
        with (own / "log").open("w") as log:
            # The server hears of our end even if nobody is left to tell it.
            command: list[str | Path] = ["setpriv", "--pdeathsig", "INT", programs / "postgres", "-D", data, *options]
            server = subprocess.Popen(command, user=account, stdout=log, stderr=log)
        try:
            _wait(server, programs / "pg_isready", own)
            yield f"postgresql://central@/postgres?host={own}"
        finally:
            _end(server)


def _account(own: Path) -> str | None:
    """PostgreSQL refuses to run as root, so root hands the folder to the package's own user."""
    if os.geteuid() != 0:
        return None
    shutil.chown(own, _PACKAGES_USER, _PACKAGES_USER)
    return pwd.getpwnam(_PACKAGES_USER).pw_name


def _wait(server: "subprocess.Popen[bytes]", ready: Path, own: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while subprocess.run([ready, "-q", "-h", own], check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            raise Misconfigured(f"engine postgres: the server does not start: {(own / 'log').read_text(errors='replace')[-500:].strip()}")
        time.sleep(0.05)


def _checked(done: "subprocess.CompletedProcess[str]") -> None:
    if done.returncode != 0:
        raise Misconfigured(f"engine postgres: no server can be made: {done.stderr.strip()[-500:]}")


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
