"""`central reconcile --data` as a shell calls it: what it prints, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from central.__main__ import app
from scripts.simulating.making import Order, write
from scripts.simulating.month import read_month

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("month")
    write(Order(claims=3000, month=read_month("2026-06"), seed=6), folder, "parquet")
    return folder


def reconcile(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["reconcile", *map(str, arguments), "--report", "json"])


def shell(*arguments: str | Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "central", "reconcile", *map(str, arguments), "--report", "json"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False, timeout=300)


def test_a_month_is_told_as_json_and_nothing_else_on_stdout(month: Path) -> None:
    ended = shell("--data", month, "--engine", "duckdb")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["engine"], told["faults"]) == ("duckdb", [])
    assert {name: each["first_fault"] for name, each in told["inputs"].items() if each["refused"]} == {}
    assert sum(told["ledger"]["settlements"].values()) == told["inputs"]["settlements"]["compared"] > 0
    assert told["score"]["overall"]["planted"] > 0
    assert told["findings"]["ID-01"] > 0
    assert "linking" in ended.stderr


def test_a_folder_to_work_in_that_is_not_there_is_named_with_the_way_out(month: Path, tmp_path: Path) -> None:
    ended = shell("--data", month, "--work-dir", tmp_path / "nowhere")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"cannot lie in {tmp_path / 'nowhere'}: No such file or directory; " in ended.stderr
    assert "--work-dir" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unknown_engine_is_named_with_the_known_ones(month: Path) -> None:
    ended = shell("--data", month, "--engine", "abacus")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "abacus" in ended.stderr
    assert "duckdb" in ended.stderr


@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        ("[CC-01]\nwindow_cards = 1\n", "[CC-01] window_cards = 1"),
        ("[CC-01]\nwindow_crads = 3\n", "[CC-01] window_crads = 3"),
        ("[CC-99]\n", "[CC-99] is no rule"),
        ("[CC-01\n", "rules.toml"),
    ],
)
def test_a_broken_parameter_is_named_with_its_value(month: Path, tmp_path: Path, parameter: str, says: str) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(parameter, encoding="utf-8")
    ended = reconcile("--data", month, "--rules", rules)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert says in ended.stderr


def test_a_missing_folder_and_an_empty_one(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        ended = reconcile("--data", folder)
        assert (ended.exit_code, ended.stdout) == (2, ""), ended.stdout
        assert str(folder) in ended.stderr


def test_a_machine_without_java_is_told_the_way_out(month: Path, tmp_path: Path) -> None:
    ended = shell("--data", month, "--engine", "spark", PATH=str(tmp_path), JAVA_HOME="")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "engine spark: no Java on PATH or in JAVA_HOME: apt-get install openjdk-17-jre-headless" in ended.stderr
