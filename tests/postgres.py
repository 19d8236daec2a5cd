"""A private PostgreSQL from the system's package: its own folder, user, socket and port; gone afterwards."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.stack import free_port


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def private_postgres(folder: Path) -> Iterator[str]:
    """The URL of an empty database. Skips the test where PostgreSQL is not installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    data, port = folder / "pg", free_port()
    data.mkdir()
    account = _account(data)
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8"], check=True, capture_output=True, user=account
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data}"
    start = [programs / "pg_ctl", "-D", data, "-o", options, "-l", data / "log", "-w", "start"]
    subprocess.run(start, check=True, capture_output=True, user=account)
    try:
        yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=False, capture_output=True, user=account)


def _account(data: Path) -> str | None:
    """PostgreSQL refuses to run as root, so root hands it to the package's own user, with the way to the folder open for it."""
    if os.geteuid() != 0:
        return None
    shutil.chown(data, "postgres", "postgres")
    for parent in data.parents:
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    return pwd.getpwnam("postgres").pw_name
