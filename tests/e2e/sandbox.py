"""Run a command inside what the unit file allows: its system calls, no memory that is both written and run, no new privileges.

Namespaces and devices need systemd itself; this is the part that breaks libraries.
    python -m tests.e2e.sandbox UNIT COMMAND...
"""

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

ERRNO_EPERM, ALLOW = 0x00050001, 0x7FFF0000  # libseccomp's actions
SET_MDWE, REFUSE_EXEC_GAIN = 65, 1  # prctl(2); refuses the same as MemoryDenyWriteExecute
SET_NO_NEW_PRIVS = 38
ALWAYS = ("@default", "@basic-io")


def allowed(unit: Path) -> set[str]:
    """The system calls of SystemCallFilter, its groups spelt out."""
    calls = {call for group in ALWAYS for call in spelt_out(group)}
    for line in re.findall(r"(?m)^SystemCallFilter=(.*)", unit.read_text(encoding="utf-8")):
        names = {call for name in line.removeprefix("~").split() for call in spelt_out(name)}
        calls = calls - names if line.startswith("~") else calls | names
    return calls


def spelt_out(name: str) -> set[str]:
    """The calls of a group, or the call itself."""
    if not name.startswith("@"):
        return {name}
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True).stdout
    members = [line.strip() for line in text.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return {call for member in members for call in spelt_out(member)}


def lock_down(calls: set[str]) -> None:
    """Of this process and all that it starts. Raises OSError."""
    libc, seccomp = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(ERRNO_EPERM))
    for call in calls:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            seccomp.seccomp_rule_add(rules, ALLOW, number, 0)
    for option, value in ((SET_NO_NEW_PRIVS, 1), (SET_MDWE, REFUSE_EXEC_GAIN)):
        if libc.prctl(option, value, 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"prctl {option}")
    if seccomp.seccomp_load(rules):
        raise OSError(ctypes.get_errno(), "seccomp_load")


if __name__ == "__main__":
    lock_down(allowed(Path(sys.argv[1])))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - what the test names
