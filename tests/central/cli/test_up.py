"""One command for the whole centre: a part that dies is started again, one that never ran ends everything with its own words."""

import sys
import time

import pytest

from central.cli import up
from central.cli.up import Part
from central.errors import Misconfigured

LIVES, DIES = [sys.executable, "-c", "import time; time.sleep(60)"], [sys.executable, "-c", "raise SystemExit(2)"]


def until(condition: object, part: Part, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:  # type: ignore[operator]
        part.watch()
        time.sleep(0.02)
    assert condition()  # type: ignore[operator]


def test_a_part_that_never_ran_is_named() -> None:
    part = Part("serve", DIES)
    part.start()
    assert part.process is not None
    part.process.wait(10)
    with pytest.raises(Misconfigured, match="`central serve` did not start"):
        part.watch()


def test_a_part_that_ran_is_started_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "FIRM_S", 0.2)
    part = Part("ingest", LIVES, pause_s=0.1)
    part.start()
    until(lambda: part.firm, part)
    assert part.process is not None
    first = part.process.pid
    part.process.kill()
    until(lambda: part.process is not None and part.process.pid != first, part)
    part.stop()
    assert part.process.poll() is not None


def test_a_part_that_dies_again_and_again_is_waited_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "LONGEST_PAUSE_S", 0.4)
    part = Part("ingest", DIES, firm=True, pause_s=0.1)
    part.start()
    until(lambda: part.pause_s == 0.4, part, 30)
    part.stop()


def test_a_part_that_will_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "STOP_S", 0.3)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    part = Part("serve", [sys.executable, "-c", stubborn])
    part.start()
    time.sleep(0.5)
    part.stop()
    assert part.process is not None and part.process.poll() is not None
