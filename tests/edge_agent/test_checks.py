"""Self-checks: each speaks up for its own trouble and is silent otherwise."""

from pathlib import Path

import pytest

from contract.events import EvidenceMode
from contract.state import Problem
from edge_agent.checks import backlog, camera, clock, disk, evidence, frozen, receipts, secrets, store, weights
from edge_agent.metrics import Metrics
from edge_agent.outbox import Backlog
from edge_agent.problems import Problems
from edge_agent.sections import Window
from tests.fakes import StillCamera


def test_camera_names_the_silent_windows() -> None:
    assert camera.check({"W1": StillCamera()}) is None
    problem = camera.check({"W1": StillCamera(), "W3": StillCamera(status="lost"), "W2": StillCamera(status="opening")})
    assert problem is not None and problem.detail.endswith("W2, W3")


def test_a_frozen_camera_has_a_name_of_its_own() -> None:
    cameras = {"W1": StillCamera(), "W2": StillCamera(status="lost", frozen=True)}
    problem = frozen.check(cameras)
    assert frozen.check({"W1": StillCamera()}) is None and camera.check(cameras) is None
    assert problem is not None and problem.detail.endswith("W2")


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
    assert aside is not None and "outbox.db.damaged-7" in aside.detail
    assert receipts.check("x" * 500) == Problem(check="receipts", detail="x" * 200)


def test_one_broken_check_stops_no_other() -> None:
    def broken() -> Problem | None:
        raise OSError("gone")

    found = Problems({"disk": broken, "receipts": lambda: receipts.check("refused")}, Metrics()).find()
    assert [problem.check for problem in found] == ["disk", "receipts"]
    assert "failed" in found[0].detail
