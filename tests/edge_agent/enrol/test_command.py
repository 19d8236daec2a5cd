"""The command of the terminal: what was mistyped is named, and no token is repeated on the screen."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge_agent.__main__ import app
from edge_agent.enrol import unit
from edge_agent.enrol.carriers import TOKEN_FILE
from edge_agent.errors import EnrolmentFailed
from tests.edge_agent.enrol.ends import Ends


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return Ends.new(tmp_path_factory.mktemp("centre")).token.text()


def said(*words: str | Path, stdin: str | None = None) -> str:
    done = CliRunner().invoke(app, ["enrol", *map(str, words)], input=stdin)
    assert done.exit_code == 2, done.output
    return done.output


def test_what_is_no_token_is_named_and_nothing_is_written(text: str, tmp_path: Path) -> None:
    wrong = text[:40] + ("x" if text[40] != "x" else "y") + text[41:]
    folder = tmp_path / "t1"
    for given, says in (
        (wrong, "mistyped"),
        (text[:-3], "mistyped"),
        ("P123", "no enrolment token"),
        (f"@{tmp_path / 'none'}", "No such file"),
        ("", "name the token"),
    ):
        output = said(given, "--folder", folder)
        assert says in output and text[60:90] not in output
    assert "mistyped" in said("-", "--folder", folder, stdin=wrong)
    (tmp_path / TOKEN_FILE).write_text(wrong)
    assert "mistyped" in said("--stick", tmp_path, "--folder", folder)
    assert [path.name for path in tmp_path.iterdir()] == [TOKEN_FILE]


def test_a_folder_that_cannot_be_written_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "Nothing half done is in force" in said(text, "--folder", tmp_path / "file" / "t1", "--stick", tmp_path)


def test_the_folder_in_which_one_stands_is_named_as_any_other(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"{tmp_path} stands there" in said(text, "--folder", ".")


def test_a_token_that_an_editor_marked_as_utf_8_is_read(text: str, tmp_path: Path) -> None:
    (tmp_path / TOKEN_FILE).write_text(text, encoding="utf-8-sig")
    assert "stands there" in said(f"@{tmp_path / TOKEN_FILE}", "--folder", tmp_path)


def test_the_unit_names_the_places_of_this_machine(tmp_path: Path) -> None:
    done = unit.install(tmp_path / "etc", tmp_path / "units")
    written = (tmp_path / "units" / "edge-agent.service").read_text(encoding="utf-8")
    assert f"LoadCredential=sign.pem:{tmp_path}/etc/sign.pem" in written
    assert f"ExecStart={unit.ROOT}/.venv/bin/python -m edge_agent run" in written
    assert "/etc/edge-agent/" not in written and "/opt/insurance" not in written
    assert "systemctl daemon-reload" in done
    with pytest.raises(EnrolmentFailed, match="space"):
        unit.install(tmp_path / "a folder", tmp_path / "units")


def test_of_homes_the_unit_sees_what_it_runs_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    assert "ProtectHome=yes" in unit.unit_text(tmp_path)
    monkeypatch.setattr(sys, "base_prefix", "/root/python")
    text = unit.unit_text(tmp_path, [Path("/home/me/models"), Path("/srv/models")])
    assert "ProtectHome=tmpfs\nBindReadOnlyPaths=-/root/python\nBindReadOnlyPaths=-/home/me/models\n" in text
    assert "ProtectHome=yes" not in text and "/srv/models" not in text


def test_a_service_keeps_its_events_where_it_may_write(text: str, tmp_path: Path) -> None:
    output = said(text, "--folder", tmp_path / "t1", "--service", "--data-dir", "data")
    assert "may write to /var/lib/edge-agent only" in output
    assert list(tmp_path.iterdir()) == []
    unit.require_place(Path(unit.STATE_DIR))
    with pytest.raises(EnrolmentFailed, match=f"move {tmp_path} to /var/lib/edge-agent"):
        unit.require_place(tmp_path)


def test_what_a_strict_umask_bars_the_service_from_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "_HOMES", (str(tmp_path),))  # which itself nobody else may enter
    top, file = tmp_path / "program", tmp_path / "program" / "edge_agent" / "__main__.py"
    file.parent.mkdir(parents=True)
    file.touch()
    for path in (top, file.parent, file):
        path.chmod(0o755)
    assert unit.unreadable(top, file) == ""
    for path, mode in ((file, 0o640), (file.parent, 0o750), (top, 0o750)):
        path.chmod(mode)
        assert f"may not read {path}: chmod -R o+rX {top}" in unit.unreadable(top, file)
        path.chmod(0o755)
    monkeypatch.setattr(unit, "_HOMES", ())
    assert f"may not read {tmp_path}" in unit.unreadable(top, file)
