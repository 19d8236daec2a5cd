"""What the kernel says about a process: memory it holds, and processor time it used. Linux only."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

KIB = 1024
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Resident memory of a process in MiB: now, and the most it ever was."""

    now: float
    peak: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Processor time in seconds, all threads, at a moment of the monotonic clock."""

    cpu_s: float
    at_s: float

    def share_since(self, before: "Used") -> float:
        """Per cent of one core since then; above 100 when several cores worked."""
        return 100 * (self.cpu_s - before.cpu_s) / (self.at_s - before.at_s)


def memory(pid: int) -> Memory:
    """Resident memory of a process. Raises OSError when it is gone."""
    return parse_status(Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))


def used(pid: int) -> Used:
    """Processor time of a process, its ended threads with it and its children without. Raises OSError when it is gone."""
    return Used(cpu_s=parse_stat(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")), at_s=time.monotonic())


def parse_status(text: str) -> Memory:
    """VmRSS and VmHWM of /proc/PID/status, which gives them in KiB. Raises KeyError when they are missing, as for a kernel thread."""
    values = {name: value for name, _, value in (line.partition(":") for line in text.splitlines())}
    now, peak = (int(values[name].split()[0]) * KIB / MIB for name in ("VmRSS", "VmHWM"))
    return Memory(now=now, peak=peak)


def parse_stat(text: str) -> float:
    """Seconds in user and kernel mode (fields 14 and 15) of /proc/PID/stat. The name before them may hold spaces and brackets."""
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
