"""A systemd of its own in namespaces of its own, so that a unit runs under the real thing without touching this machine's services.

Files that services write under /var/lib, /run, /opt and /etc vanish with it; the network is the machine's own.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

SYSTEMD, PROGRAM = Path("/lib/systemd/systemd"), Path("/opt/insurance-window-watch")
TARGET = "[Unit]\nDescription=Only what is started by hand\nDefaultDependencies=no\nAllowIsolate=yes\n"
BEGIN = """
set -e
mount --make-rprivate /
for each in /run /opt /var/lib /etc/systemd/system; do mount -t tmpfs -o mode=755 tmpfs "$each"; done
mkdir -p /run/systemd/system /run/log
cp -r "$1"/units/. /run/systemd/system/
for each in network-online time-sync sysinit basic shutdown; do cp /run/systemd/system/alone.target "/run/systemd/system/$each.target"; done
mkdir /opt/insurance-window-watch && mount --bind "$2" /opt/insurance-window-watch
mkdir -p /etc/edge-agent && mount -t tmpfs -o mode=700 tmpfs /etc/edge-agent && cp "$1"/etc/* /etc/edge-agent/
mount --make-rshared /
exec env container=lxc "$3" --system --unit=alone.target --log-target=null --show-status=0
"""


class CannotRun(Exception):
    """There is no systemd here, or no right to start one."""


class System:
    """Started on entering, ended with all its services on leaving."""

    def __init__(self, folder: Path, root: Path, *, units: Mapping[str, str], etc: Path) -> None:
        """`units` are files of /etc/systemd/system by their names, those in folders too; `etc` becomes /etc/edge-agent, `root` the program.

        Raises CannotRun.
        """
        if os.geteuid() or not SYSTEMD.exists() or shutil.which("unshare") is None:
            raise CannotRun("it takes root, systemd and unshare: apt-get install systemd util-linux")
        for name, text in {"alone.target": TARGET, **units}.items():
            path = folder / "units" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        shutil.copytree(etc, folder / "etc")
        (folder / "begin").write_text(BEGIN, encoding="utf-8")
        namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--mount-proc", "--ipc", "--uts"]
        command = ["unshare", *namespaces, "bash", str(folder / "begin"), str(folder), str(root), str(SYSTEMD)]
        self._log = folder / "systemd.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        """Wait until it takes orders. Raises CannotRun."""
        until_s = time.monotonic() + 15
        while time.monotonic() < until_s and self._process.poll() is None:
            if self._init() and self.control("show", "--property=Version", check=False).returncode == 0:
                return self
            time.sleep(0.1)
        self._end()
        raise CannotRun(f"systemd does not start here: {self._log.read_text(encoding='utf-8', errors='replace')[-500:]}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End it and everything that it started."""
        self._end()

    def control(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run systemctl inside."""
        return self.inside("systemctl", "--no-pager", *arguments, check=check)

    def inside(self, *command: str, check: bool = True, within_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command in the namespaces."""
        enter = ["nsenter", "-t", self._init(), "--mount", "--pid"]
        done = subprocess.run([*enter, *command], capture_output=True, text=True, timeout=within_s, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stderr}"
        return done

    def property(self, unit: str, name: str) -> str:
        """What systemd says of a unit."""
        return self.control("show", unit, f"--property={name}", "--value").stdout.strip()

    def _init(self) -> str:
        """The first process in there, as it is numbered out here; empty before there is one."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return children.read_text(encoding="ascii").strip() if children.exists() else ""

    def _end(self) -> None:
        if init := self._init():
            subprocess.run(["kill", "-KILL", init], check=False)
        self._process.kill()
        self._process.wait()


def reachable_python() -> str:
    """A drop-in that lets a locked-down service see this interpreter, should it lie in a home folder, and the program where it is mounted:
    the environment knows it by the place at which it was made, which may be hidden.
    """
    base = Path(sys.base_prefix)
    at_home = any(base.is_relative_to(home) for home in ("/root", "/home"))
    interpreter = f"ProtectHome=tmpfs\nBindReadOnlyPaths={base}\n" if at_home else ""
    return f"Environment=PYTHONPATH={PROGRAM}\n{interpreter}"
