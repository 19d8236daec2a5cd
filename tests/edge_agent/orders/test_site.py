"""The command line on the site."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge_agent.__main__ import app
from edge_agent.orders.ledger import SETTINGS
from tests.edge_agent.building import make_terminal
from tests.edge_agent.orders.device import Device


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(make_terminal(tmp_path))


def command(device: Device, name: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["settings", name, "--settings", str(device.terminal.settings_file)])
    return done.exit_code, done.stdout, done.stderr


def test_it_shows_what_is_set_and_takes_it_back(device: Device) -> None:
    assert command(device, "show") == (0, "", "0 settings are set by the centre\n")
    device.take(device.configure())
    assert command(device, "show") == (0, "", "0 settings are set by the centre; an order waits or is on trial\n")
    device.live()
    assert command(device, "show") == (0, "limits.same = 0.7\ntimes.idle_fps = 4\n", "2 settings are set by the centre\n")
    assert command(device, "reset")[:2] == (0, "the terminal's own file holds again\n")
    assert command(device, "reset")[:2] == (0, "nothing is set from afar: the terminal's own file holds\n")
    assert not (device.data / SETTINGS).exists()


def test_it_names_what_is_wrong(device: Device) -> None:
    (device.data / SETTINGS).write_bytes(b"damaged")
    assert "is damaged" in command(device, "show")[2]
    assert command(device, "reset")[0] == 0 and command(device, "show")[2] == "0 settings are set by the centre\n"
    device.terminal.settings_file.write_text("nothing")
    assert command(device, "show")[0] == command(device, "reset")[0] == 2


def test_a_revoked_device_is_not_brought_back_by_it(device: Device) -> None:
    device.take(device.revoke())
    command(device, "reset")
    assert "revoked" in command(device, "show")[2]


@pytest.mark.skipif(os.geteuid() != 0, reason="only the administrator may give a file away")
def test_what_the_administrator_writes_the_agent_can_read(device: Device) -> None:
    os.chown(device.data, 12345, 12345)
    device.idle = False
    device.take(device.configure())
    command(device, "reset")
    assert (device.data / SETTINGS).stat().st_uid == 12345
