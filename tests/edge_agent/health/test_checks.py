"""Self-checks: each speaks up for its own trouble and is silent otherwise."""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from contract.events import EvidenceMode
from contract.state import Problem
from edge_agent.chain.outbox import Backlog
from edge_agent.health import machine
from edge_agent.health.checks import (
    backlog,
    canary,
    certificate,
    clock,
    cooldown,
    disk,
    evidence,
    memory,
    receipts,
    reserve,
    secrets,
    store,
    temperature,
    threads,
    weights,
)
from edge_agent.health.metrics import Metrics
from edge_agent.health.problems import Problems
from edge_agent.health.pulse import Pulses
from edge_agent.ports import Fault
from edge_agent.sections.core import Window
from edge_agent.window.watching import CHECKS as CAMERA_CHECKS
from tests.edge_agent.building import make_terminal
from tests.fakes import HandClock


@dataclass
class Looked:
    """A window with these faults."""

    faults: tuple[Fault, ...] = ()


def faulty(*codes: str) -> Looked:
    return Looked(tuple(Fault(code=code, since_s=0) for code in codes))


@pytest.mark.parametrize(("name", "code"), [(name, "lost" if name == "camera" else name) for name in CAMERA_CHECKS])
def test_every_fault_of_a_camera_has_a_check_of_its_own_that_names_the_windows(name: str, code: str) -> None:
    check, others = CAMERA_CHECKS[name], [other for other in ("lost", *CAMERA_CHECKS) if other not in ("camera", code)]
    assert check({"W1": faulty(), "W2": faulty(*others)}) is None
    problem = check({"W3": faulty(*others, code), "W1": faulty(), "W2": faulty(code)})
    assert problem is not None and problem.check == name and problem.detail.startswith("window W2, W3: ")
    assert len(problem.detail) < 200


def test_disk(tmp_path: Path) -> None:
    assert disk.check(tmp_path, 0) is None
    assert disk.check(tmp_path, 2**40) is not None


def test_clock_says_which_way() -> None:
    assert clock.check(None, 2) is None
    assert clock.check(-1999.0, 2) is None
    ahead, behind = clock.check(3000.0, 2), clock.check(-3000.0, 2)
    assert ahead is not None and "ahead" in ahead.detail
    assert behind is not None and "behind" in behind.detail


def test_weights_are_missing(tmp_path: Path) -> None:
    problem = weights.check(tmp_path)
    assert problem is not None and "missing" in problem.detail


def test_backlog() -> None:
    assert backlog.check(Backlog(epoch=1, last_seq=10, receipted=0, media_bytes=0), 10) is None
    problem = backlog.check(Backlog(epoch=1, last_seq=15, receipted=4, media_bytes=0), 10)
    assert problem is not None and "11 events" in problem.detail and "number 5" in problem.detail


def test_evidence() -> None:
    assert evidence.check(EvidenceMode.ALL, EvidenceMode.ALL) is None
    problem = evidence.check(EvidenceMode.ALL, EvidenceMode.VERDICT_ONLY)
    assert problem is not None and "legal_basis" in problem.detail


@pytest.mark.parametrize(
    ("source", "mode", "told"),
    [
        ("rtsp://user:pw@camera/1", 0o644, True),
        ("http://camera/1?token=7", 0o640, True),
        ("rtsp://user:pw@camera/1", 0o600, False),
        ("rtsp://camera/1", 0o644, False),
        ("clip@home.mkv", 0o644, False),
    ],
)
def test_secrets_are_for_nobody_else(tmp_path: Path, source: str, mode: int, told: bool) -> None:
    file = tmp_path / "agent.toml"
    file.touch(mode)
    file.chmod(mode)
    problem = secrets.check(file, [Window(window="W1", source=source)])
    assert (problem is not None) == told
    assert problem is None or ("chmod 600" in problem.detail and "pw" not in problem.detail)


def test_store_and_receipts() -> None:
    assert store.check([]) is None and receipts.check(None) is None
    aside = store.check([Path("/data/outbox.db.damaged-7")])
    assert aside is not None and "outbox.db.damaged-7" in aside.detail and "keep the files" in aside.detail
    now = store.check([Path("/data/film.db.damaged-7")], [Path("/data/outbox.db")])
    assert now is not None and "outbox.db went bad" in now.detail and "restart" in now.detail
    many = store.check([Path(f"/data/outbox.db.damaged-{number}") for number in range(99)])
    assert many is not None and len(many.detail) == 200
    assert receipts.check("x" * 500) == Problem(check="receipts", detail="x" * 200)


def test_one_broken_check_stops_no_other() -> None:
    def broken() -> Problem | None:
        raise OSError("gone")

    found = Problems({"disk": broken, "receipts": lambda: receipts.check("refused")}, Metrics()).find()
    assert [problem.check for problem in found] == ["disk", "receipts"]
    assert "failed" in found[0].detail


def test_temperature_is_no_problem_where_nobody_knows_it(tmp_path: Path) -> None:
    assert temperature.check(machine.hottest_c(tmp_path), 85) is None
    for number, text in enumerate(["41000", "91500", "nonsense", "-5"]):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}" / "temp").write_text(text)
    assert machine.hottest_c(tmp_path) == 91.5
    problem = temperature.check(machine.hottest_c(tmp_path), 85)
    assert problem is not None and "92 degrees" in problem.detail and "fan" in problem.detail
    assert temperature.check(85.0, 85) is None


def test_memory_of_this_very_process() -> None:
    held = bytearray(os.urandom(1)) * (64 * 2**20)
    resident, available = machine.resident_mb(), machine.available_mb()
    assert len(held) / 2**20 < resident < 4000 and available is not None and available > 0
    assert memory.check(resident, available, max_mb=4000, min_available_mb=1) is None
    large, short = (
        memory.check(1200.0, 900.0, max_mb=1000, min_available_mb=200),
        memory.check(500, 90.0, max_mb=1000, min_available_mb=200),
    )
    assert large is not None and "1200 MB" in large.detail and short is not None and "90 MB of memory are left" in short.detail
    assert memory.check(500, None, max_mb=1000, min_available_mb=200) is None


def test_a_certificate_is_renewed_before_it_ends(tmp_path: Path) -> None:
    make_terminal(tmp_path)
    ends = machine.certificate_ends(tmp_path / "tls.crt")
    assert certificate.check(ends, ends - timedelta(days=31), 30) is None
    soon, late = certificate.check(ends, ends - timedelta(days=7, hours=1), 30), certificate.check(ends, ends + timedelta(days=1), 30)
    assert soon is not None and "in 7 days" in soon.detail and "look at the line" in soon.detail
    assert late is not None and "ended on" in late.detail and "central device certificate" in late.detail


def test_a_thread_that_stands_still_is_named() -> None:
    clock = HandClock()
    pulses = Pulses(clock, 60)
    ticker, link = pulses.clock("ticker"), pulses.clock("link")
    clock.pass_s(50)
    link.mono_s()
    clock.pass_s(20)
    assert ticker.silent_s == 70 and pulses.still() == ("ticker",)
    problem = threads.check(pulses.still(), 60)
    assert problem is not None and "ticker" in problem.detail and "link" not in problem.detail
    assert pulses.clock("ticker") is ticker and ticker.now() == clock.wall
    assert pulses.still() == () and threads.check((), 60) is None


def test_reserve_and_cooldown() -> None:
    assert reserve.check(False, 16, 0) is None and cooldown.check((), 0) is None
    gone, waiting = reserve.check(True, 16, 0), reserve.check(True, 16, 3)
    assert gone is not None and "without pictures" in gone.detail and "32 MB" in gone.detail
    assert waiting is not None and "3 requests" in waiting.detail
    window, person = cooldown.check(("W1", "W2"), 1), cooldown.check((), 2)
    assert window is not None and "W1, W2" in window.detail and person is not None and "2 insured persons" in person.detail


def test_canary() -> None:
    assert canary.check(None, 3600, 3600) is None
    failed, late = canary.check("embedder (similarity 0.500 with what it was)", 1, 3600), canary.check(None, 4 * 3600, 3600)
    assert failed is not None and "embedder" in failed.detail and late is not None and "4.0 h" in late.detail


def test_every_check_shows_in_the_metrics_until_it_holds_again() -> None:
    metrics, refused = Metrics(), ["refused"]
    problems = Problems({"receipts": lambda: receipts.check(refused[0] if refused else None)}, metrics)
    problems.find()
    assert b'edge_problem{check="receipts"} 1.0' in metrics.text()
    refused.clear()
    problems.find()
    assert b'edge_problem{check="receipts"} 0.0' in metrics.text()
