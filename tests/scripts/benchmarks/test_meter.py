import os
import subprocess
import sys

import pytest

from scripts.benchmarks.meter import Used, memory, parse_stat, parse_status, used


def test_resident_memory_is_read_in_mebibytes() -> None:
    found = parse_status("Name:\tpython\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nThreads:\t9\n")
    assert (found.now, found.peak) == (100, 200)


def test_a_kernel_thread_has_no_resident_memory() -> None:
    with pytest.raises(KeyError):
        parse_status("Name:\tkthreadd\n")


def test_processor_time_is_user_and_system_whatever_the_name() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    rest = " ".join(["S", "1", "1", "1", "0", "-1", "4194560", "11", "12", "13", "14", str(3 * ticks), str(2 * ticks), "99", "98"])
    assert parse_stat(f"7 (a) b (c)) {rest}") == 5


def test_a_share_is_of_one_core() -> None:
    assert Used(cpu_s=3, at_s=20).share_since(Used(cpu_s=1, at_s=10)) == 20


BUSY = """
import sys, time
held = bytearray(64 << 20)
held[::4096] = b"x" * len(held[::4096])
until = time.process_time() + 0.1
while time.process_time() < until:
    pass
print("ready", flush=True)
sys.stdin.read()
"""


def test_what_a_process_does_is_seen() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        spent, held = used(child.pid), memory(child.pid)
        child.communicate()
    assert spent.cpu_s >= 0.09
    assert 64 <= held.now <= held.peak < 400
