"""The service manager hears what it should, and nobody else does."""

import os
import socket
from pathlib import Path

import pytest

from edge_agent.health.service import ALIVE, READY, ServiceManager


@pytest.mark.parametrize("abstract", [False, True])
def test_it_is_told(tmp_path: Path, abstract: bool) -> None:
    name = f"\0edge-agent-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(name)
        manager = ServiceManager({"NOTIFY_SOCKET": name.replace("\0", "@"), "WATCHDOG_USEC": "30000000"})
        assert manager.tell(READY, "STATUS=well")
        assert ear.recv(100) == b"READY=1\nSTATUS=well"
    assert manager.feed_every_s == 10
    assert not manager.tell(ALIVE)  # whoever listened is gone: said in the log, and no reason to stop


def test_one_that_does_not_listen_holds_nothing_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        told = []
        while not told or told[-1]:  # until its queue is full
            told.append(manager.tell(ALIVE))
    assert any(told)


def test_without_one_nothing_is_said() -> None:
    manager = ServiceManager({})
    assert manager.feed_every_s is None and not manager.tell(READY)


def test_a_watchdog_of_another_process_is_not_fed() -> None:
    assert ServiceManager({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).feed_every_s is None
    assert ServiceManager({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}).feed_every_s == 10
