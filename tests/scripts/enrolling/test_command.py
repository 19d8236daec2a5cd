"""The centre's command: what it keeps, what it warns of, and what it says of a database that is not there."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from central.db import utc_now
from central.enrolment import granting
from central.wiring import Centre
from contract.enrolment import MAX_REQUEST, Token, read_envelope
from edge_agent.enrol.command import take
from scripts import first_settlement
from scripts.enrol_site import app
from tests.central.building import make_centre

ROOT = Path(__file__).resolve().parents[3]
CODE, DEVICE = "P11010000001", "P11010000001-t1"
SITE = ("site", "--code", CODE, "--name", "示例药房", "--admdvs", "110100", "--evidence-mode", "verdict_only")


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path / "central", now=utc_now)


def run(folder: Path, *words: str, web: str = "127.0.0.1", broker: str = "127.0.0.1") -> Result:
    settings = folder / "central.toml"
    settings.write_text(
        f'data_dir = "{folder / "central"}"\nrules_file = "{ROOT / "config" / "rules.toml"}"\n'
        f'[web]\nhost = "{web}"\n[broker]\nhost = "{broker}"\n'
    )
    return CliRunner().invoke(app, [*words, "--settings", str(settings)])


def become_a_terminal(centre: Centre, token: Token, folder: Path) -> None:
    def carry(request: bytes) -> bytes:
        with centre.engine.begin() as db:
            return granting.answer(db, centre.keys, read_envelope(request), now=centre.now(), actor="test")

    take(token, folder, carry)


def test_new_cameras_of_an_enrolled_terminal_are_kept_and_reach_it_with_new_keys(centre: Centre, tmp_path: Path) -> None:
    first = run(tmp_path, *SITE, "--window", "W1=0")
    assert first.exit_code == 0, first.output
    become_a_terminal(centre, Token.read(first.stdout.strip()), tmp_path / "t1")
    changed = run(tmp_path, *SITE, "--window", "W1=1", "--window", "W2=2")
    assert changed.exit_code == 2 and f"is kept, and reaches it when it enrols: renew {DEVICE}" in changed.stderr
    renewed = Token.read(run(tmp_path, "renew", DEVICE).stdout.strip())
    become_a_terminal(centre, renewed, tmp_path / "t2")
    text = (tmp_path / "t2" / "agent.toml").read_text(encoding="utf-8")
    assert 'window = "W2"' in text and 'source = "1"' in text


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", True), ("0.0.0.0", True), ("::", True), ("10.0.0.5", False)])  # noqa: S104
def test_an_address_at_which_another_machine_finds_itself_is_named(centre: Centre, tmp_path: Path, host: str, warned: bool) -> None:
    done = run(tmp_path, *SITE, "--window", "W1=0", web=host, broker=host)
    assert done.exit_code == 0, done.output
    assert ("only this machine reaches" in done.stderr) is warned
    assert ("on its own machine" in done.stderr) is warned


def test_a_file_that_is_no_request_is_not_read_to_its_end(centre: Centre, tmp_path: Path) -> None:
    with (tmp_path / "huge.request.json").open("wb") as file:
        file.truncate(1 << 40)
    done = run(tmp_path, "answer", str(tmp_path / "huge.request.json"))
    assert done.exit_code == 2 and f"{MAX_REQUEST} bytes at most" in done.stderr


def test_a_database_that_cannot_be_opened_is_one_line(centre: Centre, tmp_path: Path) -> None:
    path = tmp_path / "central" / "central.sqlite3"
    centre.engine.dispose()
    path.unlink()
    path.mkdir()
    done = run(tmp_path, "show", CODE)
    assert done.exit_code == 2 and done.stderr.startswith("enrol_site: ") and "Traceback" not in done.output


def test_no_strangers_face_is_registered_as_somebodys(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        first_settlement.main(psn_no="REAL-PERSON")
    assert ended.value.exit_code == 2
    assert "needs --picture" in capsys.readouterr().err


def test_on_either_way_the_terminal_becomes_one_that_starts_by_itself(centre: Centre, tmp_path: Path) -> None:
    by_line = run(tmp_path, *SITE, "--window", "W1=0")
    by_stick = run(tmp_path, *SITE, "--window", "W1=0", "--no-address", "--bundle", str(tmp_path / "stick"))
    assert "--folder /etc/edge-agent --service" in by_line.stderr
    assert f"--stick {tmp_path / 'stick' / DEVICE} --service" in by_stick.stderr
    told = (tmp_path / "stick" / DEVICE / "README.txt").read_text(encoding="utf-8")
    assert told.count("edge_agent enrol") == told.count("--service") == 2
