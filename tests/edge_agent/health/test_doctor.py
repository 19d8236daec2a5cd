"""Trying everything that the agent needs, and naming what is wrong."""

import socket
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.health import doctor
from edge_agent.orders.ledger import SETTINGS
from edge_agent.orders.standing import look
from edge_agent.software import networks
from scripts.stack import free_port
from tests.edge_agent.broker import Broker
from tests.edge_agent.building import Terminal, make_terminal
from tests.edge_agent.orders.device import Device
from tests.fakes import ListDetector

# What is measured here is the memory of all tests before.
WINDOWS = """[machine]
max_memory_mb = 100000
[[windows]]
window = "W1"
source = "pictures"
[[windows]]
window = "W2"
source = "none.mkv"
"""


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr(doctor, "CAMERA_S", 1.0)
    terminal = make_terminal(tmp_path / "site", broker_port=free_port(), windows=WINDOWS)
    (terminal.folder / "pictures").mkdir()
    cv2.imwrite(str(terminal.folder / "pictures" / "a.png"), np.full((80, 80, 3), 99, np.uint8))
    return terminal


def test_it_shows_what_the_centre_has_set(terminal: Terminal) -> None:
    device = Device(terminal)
    device.take(device.configure())
    device.live()
    device.close()
    (found,) = [finding for finding in doctor.examine(look(terminal.settings_file)) if finding.name == "orders"]
    assert found.problem is None and found.says == "2 settings are set by the centre; limits.same = 0.7; times.idle_fps = 4"
    (terminal.folder / "data" / SETTINGS).write_bytes(b"damaged")
    assert "is damaged" in str(findings(terminal)["orders"])


def findings(terminal: Terminal) -> dict[str, str | None]:
    return {finding.name: finding.problem for finding in doctor.examine(look(terminal.settings_file))}


def test_one_failing_trial_stops_no_other(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "nothing"))
    found = findings(terminal)
    own = ["keys", "secrets", "weights", "limits", "disk", "machine", "certificate", "evidence", "till", "broker", "canary", "orders"]
    assert list(found) == [*own, "camera W1", "camera W2"]
    assert [name for name, problem in found.items() if problem] == ["weights", "broker", "camera W2"]
    assert "missing" in str(found["weights"]) and "refused" in str(found["broker"]) and "no picture" in str(found["camera W2"])
    assert "firewall" in str(found["broker"]) and "none.mkv" in str(found["camera W2"])


def test_a_till_port_that_is_taken_and_a_certificate_that_ends_are_named(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        text = terminal.settings_file.read_text(encoding="utf-8").replace("port = 0", f"port = {other.getsockname()[1]}")
        text = text.replace("[machine]", "[machine]\ncertificate_days = 400\nmin_free_memory_mb = 100000000", 1)
        terminal.settings_file.write_text(text, encoding="utf-8")
        found = findings(terminal)
    assert "stop the agent first" in str(found["till"])
    assert "MB of memory are left" in str(found["machine"])
    assert found["certificate"] is None or "enrol" in found["certificate"]


def test_the_test_picture_names_a_broken_network(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(terminal)["canary"] is None
    monkeypatch.setattr(doctor, "networks", lambda settings: replace(networks(settings), detector=ListDetector()))
    assert "detector" in str(findings(terminal)["canary"])


def test_a_broker_is_reached_with_our_certificate(terminal: Terminal, tmp_path: Path) -> None:
    broker = Broker(terminal, tmp_path / "broker", look(terminal.settings_file).settings.broker.port)
    broker.start()
    try:
        assert findings(terminal)["broker"] is None
    finally:
        broker.kill()


def test_wrong_keys_are_named(terminal: Terminal, tmp_path: Path) -> None:
    (terminal.folder / "seal.pem").chmod(0o644)
    assert "chmod 600" in str(findings(terminal)["keys"])
    (terminal.folder / "seal.pem").chmod(0o600)
    (terminal.folder / "agent.toml").write_text((terminal.folder / "agent.toml").read_text().replace("-t1", "-t2"), encoding="utf-8")
    assert "enrol again" in str(findings(terminal)["keys"])


def test_limits_that_do_not_fit_and_missing_liveness_are_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    text = terminal.settings_file.read_text(encoding="utf-8")
    terminal.settings_file.write_text(text.replace("[[windows]]", '[limits]\nmeasured = "gone.toml"\n[[windows]]', 1), encoding="utf-8")
    assert "gone.toml" in str(findings(terminal)["limits"])
    terminal.settings_file.write_text(text, encoding="utf-8")
    monkeypatch.setattr(doctor, "networks", lambda settings: replace(networks(settings), liveness=None))
    assert "models fetch --pack liveness" in str(findings(terminal)["limits"])
