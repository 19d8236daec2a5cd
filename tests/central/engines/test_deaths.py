"""An engine that ends, or has no room, in mid-run: a named error, no report of half a comparison, and what was good stays."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from central.engines.choice import EngineName, EngineOptions, open_engine
from central.errors import CentralError

ROOT = Path(__file__).parents[3]


def java_of(pid: int) -> int | None:
    """The process of Java among the children of one, and theirs."""
    for name in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if Path(f"/proc/{name}/exe").readlink().name == "java":
            return int(name)
        if (found := java_of(int(name))) is not None:
            return found
    return None


@pytest.mark.timeout(300)
def test_java_is_killed_in_mid_run(month: Path, tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("Java is not installed: apt-get install openjdk-17-jre-headless")
    options = ["--engine", "spark", "--memory-mb", "1024", "--work-dir", str(tmp_path), "--report", "json"]
    command = [sys.executable, "-m", "central", "reconcile", "--data", str(month), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        assert any("linking" in line for line in run.stderr), "it got so far"
        java = java_of(run.pid)
        assert java is not None
        os.kill(java, signal.SIGKILL)
        stdout, stderr = run.communicate(timeout=200)
    assert (run.returncode, stdout) == (2, ""), stderr[-2000:]
    assert "central: engine spark went away" in stderr
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == [], "nothing of it stays"


def test_a_full_folder_is_no_death(tmp_path: Path) -> None:
    """What does not fit is said; what is there can still be asked, and the folder is empty afterwards."""
    with open_engine(EngineName.DUCKDB, EngineOptions(memory_mb=256, threads=1, folder=tmp_path)) as analysis:
        analysis.keep("few", "SELECT 1 AS n")
        list(analysis.rows("SET max_temp_directory_size = '10MB'"))
        with pytest.raises((duckdb.Error, CentralError), match=r"(?i)memory|room"):
            analysis.keep("many", "SELECT hash(range) AS n FROM range(50000000)")
        (batch,) = analysis.rows("SELECT n FROM few")
        assert batch.to_pylist() == [{"n": 1}]
    assert list(tmp_path.iterdir()) == []
