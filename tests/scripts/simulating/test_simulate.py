"""The command: what it writes, what it says, what it refuses."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
from typer.testing import CliRunner

from central.scoring import read_truth
from scripts.simulate import app
from scripts.simulating.writing import FILE_NAMES


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_a_month_is_written_and_said(tmp_path: Path) -> None:
    code, said, progress = run("--claims", 4000, "--seed", 2, "--out", tmp_path / "new" / "month", "--month", "2026-05")
    assert code == 0 and "claims.parquet: 4,000 rows" in said and "truth.csv" in said
    assert "claims: " in progress
    folder = tmp_path / "new" / "month"
    assert {path.name for path in folder.iterdir()} == {f"{name}.parquet" for name in FILE_NAMES.values()} | {"truth.csv"}
    assert pq.read_metadata(folder / "captures.parquet").num_rows == 4800
    assert len(read_truth((folder / "truth.csv").read_text(), "truth.csv")) > 330


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_same_options_give_the_same_bytes_in_any_process_and_time_zone(tmp_path: Path) -> None:
    options = ["--claims", "3500", "--seed", "9", "--quiet", "--out"]
    surroundings = os.environ | {"PYTHONHASHSEED": "12345", "TZ": "America/New_York"}
    elsewhere = [sys.executable, "-m", "scripts.simulate", *options, str(tmp_path / "there")]
    subprocess.run(elsewhere, check=True, env=surroundings, capture_output=True)
    assert run(*options, tmp_path / "here")[0] == 0
    assert digests(tmp_path / "there") == digests(tmp_path / "here")
    assert len(digests(tmp_path / "here")) == len(FILE_NAMES) + 1


def test_an_earlier_month_is_not_written_over_unasked(tmp_path: Path) -> None:
    assert run("--claims", 4000, "--out", tmp_path, "--quiet")[0] == 0
    code, _, refused = run("--claims", 4000, "--out", tmp_path)
    assert code == 1 and "--replace" in refused and str(tmp_path) in refused
    code, said, progress = run("--claims", 4000, "--out", tmp_path, "--replace", "--format", "csv", "--quiet")
    assert code == 0 and "claims.csv" in said and progress == ""
    assert not list(tmp_path.glob("*.parquet"))


def test_what_cannot_be_is_named_with_the_way_out(tmp_path: Path) -> None:
    code, _, said = run("--claims", 300, "--out", tmp_path)
    assert code == 1 and "300 claims are too few: the cases need" in said
    code, _, said = run("--out", tmp_path, "--month", "2026-13")
    assert code == 1 and "'2026-13'" in said
    blocked = tmp_path / "file"
    blocked.write_text("")
    code, _, said = run("--claims", 4000, "--out", blocked)
    assert code == 1 and str(blocked) in said
    assert run("--out", tmp_path, "--format", "xlsx")[0] == 2
    assert run("--out", tmp_path, "--claims", 0)[0] == 2


def test_help_says_how_to_go_on() -> None:
    code, said, _ = run("--help")
    assert code == 0 and "central reconcile --data" in said and "--seed" in said
