"""Install the agent as a service: the unit file of this installation with the places of this machine."""

import shutil
import subprocess
from pathlib import Path

from edge_agent.disk.disk import Disk
from edge_agent.errors import EnrolmentFailed

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "config" / "systemd" / "edge-agent.service"
UNITS = Path("/etc/systemd/system")
STATE_DIR = "/var/lib/edge-agent"
BOOTED = Path("/run/systemd/system")
_WRITTEN_FOR = {"/opt/insurance-window-watch": ROOT, "/etc/edge-agent": None}


def unit_text(folder: Path) -> str:
    """The unit for this installation and this settings folder."""
    text = UNIT.read_text(encoding="utf-8")
    for written, here in _WRITTEN_FOR.items():
        text = text.replace(written, str(here or folder.resolve()))
    return text


def install(folder: Path, units: Path = UNITS) -> str:
    """Write the unit and start it where systemd runs; says what was done. Raises EnrolmentFailed or OSError."""
    if " " in str(ROOT) + str(folder):
        raise EnrolmentFailed(f"a unit cannot name {ROOT} or {folder}: put both where no name has a space")
    units.mkdir(parents=True, exist_ok=True)
    path = units / UNIT.name
    partial = path.with_name(path.name + ".partial")
    partial.write_text(unit_text(folder), encoding="utf-8")
    Disk().sync(partial)
    partial.replace(path)
    Disk().sync(units)
    if shutil.which("systemctl") is None or not BOOTED.is_dir() or units != UNITS:
        return f"{path} is written; where systemd runs: systemctl daemon-reload && systemctl enable --now {UNIT.stem}"
    for command in (["daemon-reload"], ["enable", "--now", UNIT.stem]):
        done = subprocess.run(["systemctl", *command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise EnrolmentFailed(f"systemctl {' '.join(command)} failed: {done.stderr.strip()[-300:]}; the enrolment itself is whole")
    return f"{UNIT.stem} is installed and started; look at it with: systemctl status {UNIT.stem}"
