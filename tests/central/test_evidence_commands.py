"""Packages, reviews and holds from the command line."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from central.__main__ import app
from central.wiring import Centre
from contract.sealed import to_text
from tests import builders
from tests.central.packages.building import sha256_of
from tests.central.web.consoles import make_console, make_finding

SCRIPT = Path(__file__).parents[2] / "scripts" / "verify_evidence.py"
BY = ("--by", "zhang.min")
OTHER = ("--by", "li.ying")


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_console(tmp_path / "centre")


@pytest.fixture
def jr_id(centre: Centre) -> str:
    return make_finding(centre)


def central(centre: Centre, *arguments: object) -> Result:
    settings = centre.settings.data_dir.parent / "central.toml"
    settings.write_text(f'data_dir = "{centre.settings.data_dir}"\n', encoding="utf-8")
    return CliRunner().invoke(app, ["evidence", *map(str, arguments), "--settings", str(settings)])


def test_one_command_makes_a_package_that_a_stranger_can_check(centre: Centre, jr_id: str, tmp_path: Path) -> None:
    done = central(centre, "package", jr_id, "--purpose", "案件移送", "--out", tmp_path, *BY)
    assert done.exit_code == 0, done.output
    (package,) = tmp_path.glob("EP*.zip")
    assert sha256_of(package) in done.output
    assert to_text(centre.keys.signer.public) in done.output
    check = [sys.executable, "-I", SCRIPT, package, "--centre-key", to_text(centre.keys.signer.public)]
    checked = subprocess.run(check, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert "command-line/zhang.min" in checked.stdout
    known = central(centre, "recognise", package)
    assert f"{package.stem} of {jr_id}" in known.output
    assert "案件移送" in known.output
    assert sha256_of(package) in central(centre, "list").output
    assert package.stem in central(centre, "list", jr_id).output
    package.write_bytes(package.read_bytes() + b"x")
    assert central(centre, "recognise", package).exit_code == 2


def test_a_package_of_nothing_or_into_nowhere_is_one_line(centre: Centre, jr_id: str, tmp_path: Path) -> None:
    unknown = central(centre, "package", "JR0", "--purpose", "x", *BY)
    assert unknown.exit_code == 2
    assert "'JR0' is not here" in unknown.output
    nowhere = central(centre, "package", jr_id, "--purpose", "x", "--out", tmp_path / "no" / "folder", *BY)
    assert nowhere.exit_code == 2
    assert "No such file or directory" in nowhere.output
    assert central(centre, "package", jr_id, "--purpose", " ", *BY).exit_code == 2


def test_two_people_stamp_and_two_people_release(centre: Centre, jr_id: str) -> None:
    assert central(centre, "stamp", jr_id, "legal", "passed", "--reason", "齐全", *BY).exit_code == 0
    same = central(centre, "stamp", jr_id, "technical", "passed", "--reason", "x", *BY)
    assert same.exit_code == 2
    assert "another person" in same.output
    assert central(centre, "stamp", jr_id, "technical", "passed", "--reason", "x", *OTHER).exit_code == 0
    placed = central(centre, "hold", "finding", jr_id, "--reason", "复议", "--document", "1号", *BY)
    assert placed.output.startswith("hold 1 on finding")
    assert "1号: 复议 (command-line/zhang.min, held)" in central(centre, "holds").output
    assert central(centre, "release", "1", *BY).exit_code == 2
    assert central(centre, "release", "1", "--reason", "已结", *BY).exit_code == 0
    assert "release asked by command-line/zhang.min" in central(centre, "holds").output
    assert central(centre, "release", "1", "--confirm", *BY).exit_code == 2
    assert central(centre, "release", "1", "--confirm", *OTHER).exit_code == 0
    assert central(centre, "holds").output == ""
    assert "released" in central(centre, "holds", "--all").output


def test_a_span_is_given_in_china_time(centre: Centre, jr_id: str) -> None:
    span = ("--since", "2026-01-02 00:00", "--until", "2026-01-03 00:00")
    assert central(centre, "hold", "site", builders.SITE, "--reason", "x", "--document", "d", *span, *BY).exit_code == 0
    wrong = central(centre, "hold", "site", builders.SITE, "--reason", "x", "--document", "d", "--since", "yesterday", *BY)
    assert wrong.exit_code == 2
    assert "'yesterday' is no time" in wrong.output
    assert central(centre, "hold", "site", builders.SITE, "--reason", "x", "--document", "d", *BY).exit_code == 2
