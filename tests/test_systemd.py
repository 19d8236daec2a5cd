"""The unit file: what systemd's own tools say of it. That the agent runs in what it locks down stands in e2e/test_service.py."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "config" / "systemd" / "edge-agent.service"
MOST_EXPOSED = 1.5  # of 10; what is left is the network, the cameras and the reading of /proc

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed: apt-get install systemd"
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here: its own is installed elsewhere."""
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT.read_text(encoding="utf-8")), encoding="utf-8")
    return copy


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


@needs_systemd
def test_systemd_accepts_the_unit(unit: Path) -> None:
    done = analyze("verify", "--man=no", str(unit))
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_little_is_exposed(unit: Path) -> None:
    done = analyze("security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    print(found[0])
    assert float(found[1]) <= MOST_EXPOSED


def test_it_restarts_for_ever_and_is_watched() -> None:
    lines = set(UNIT.read_text(encoding="utf-8").splitlines())
    assert {"Type=notify", "Restart=always", "StartLimitIntervalSec=0", "WatchdogSec=30", "MemoryDenyWriteExecute=yes"} <= lines
