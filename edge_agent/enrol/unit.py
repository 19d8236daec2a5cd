"""Install the agent as a service: the unit file of this installation with the places of this machine."""

import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_agent.disk.disk import Disk
from edge_agent.errors import EnrolmentFailed

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "config" / "systemd" / "edge-agent.service"
UNITS = Path("/etc/systemd/system")
STATE_DIR = "/var/lib/edge-agent"
BOOTED = Path("/run/systemd/system")
_WRITTEN_FOR = {"/opt/insurance-window-watch": ROOT, "/etc/edge-agent": None}
_HOMES = ("/home", "/root", "/run/user")
"""What ProtectHome hides from a service."""


def require_place(data_dir: Path) -> None:
    """Raises EnrolmentFailed for a data folder in which the service, which may write to its own only, could keep nothing."""
    if data_dir != Path(STATE_DIR):
        raise EnrolmentFailed(
            f"the service may write to {STATE_DIR} only, not to {data_dir}: leave --data-dir out. If the terminal is enrolled already, "
            f'stop its agent, move {data_dir} to {STATE_DIR}, write data_dir = "{STATE_DIR}" into its agent.toml, and give the same '
            "command again"
        )


def unit_text(folder: Path, needs: Sequence[Path] = ()) -> str:
    """The unit for this installation and this settings folder; of homes it sees the program, its interpreter and `needs`, nothing else."""
    text = UNIT.read_text(encoding="utf-8")
    for written, here in _WRITTEN_FOR.items():
        text = text.replace(written, str(here or folder.resolve()))
    shown = [place for place in (ROOT, Path(sys.base_prefix), *needs) if _is_at_home(place)]
    if shown:
        text = text.replace("ProtectHome=yes", "\n".join(["ProtectHome=tmpfs", *(f"BindReadOnlyPaths=-{place}" for place in shown)]))
    return text


def unreadable(top: Path, file: Path) -> str:
    """What bars a user of its own from a file below `top`, as after an installation under a strict umask; empty if nothing does."""
    for each in (file, *file.parents):
        if _is_at_home(each) and not each.is_relative_to(top):
            break  # of homes the service is shown what lies below `top`, and nothing of the way there
        if each.exists() and not each.stat().st_mode & (stat.S_IXOTH if each.is_dir() else stat.S_IROTH):
            return f" The service runs as a user of its own, which may not read {each}: chmod -R o+rX {top}."
    return ""


def _is_at_home(place: Path) -> bool:
    return any(place.is_relative_to(home) for home in _HOMES)


def install(folder: Path, units: Path = UNITS, needs: Sequence[Path] = ()) -> str:
    """Write the unit and start it where systemd runs, anew if it ran: it reads its keys at the start. Says what was done.

    Raises EnrolmentFailed or OSError.
    """
    if " " in str(ROOT) + str(folder):
        raise EnrolmentFailed(f"a unit cannot name {ROOT} or {folder}: put both where no name has a space")
    units.mkdir(parents=True, exist_ok=True)
    path = units / UNIT.name
    partial = path.with_name(path.name + ".partial")
    partial.write_text(unit_text(folder, needs), encoding="utf-8")
    Disk().sync(partial)
    partial.replace(path)
    Disk().sync(units)
    if shutil.which("systemctl") is None or not BOOTED.is_dir() or units != UNITS:
        orders = f"systemctl daemon-reload && systemctl enable {UNIT.stem} && systemctl restart {UNIT.stem}"
        return f"{path} is written; where systemd runs: {orders}"
    for command in (["daemon-reload"], ["enable", UNIT.stem], ["restart", UNIT.stem]):
        done = subprocess.run(["systemctl", *command], capture_output=True, text=True, check=False)
        if done.returncode:
            barred = unreadable(ROOT, Path(__file__).resolve()) or next(filter(None, (unreadable(need, need) for need in needs)), "")
            raise EnrolmentFailed(
                f"systemctl {' '.join(command)} failed: {done.stderr.strip()[-300:]}; the enrolment itself is whole.{barred} Look at what "
                f"it says (journalctl -u {UNIT.stem}), and give the same command again"
            )
    return f"{UNIT.stem} is installed and started; look at it with: systemctl status {UNIT.stem}"
