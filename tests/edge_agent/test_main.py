"""The command line as people use it, in processes of its own, with the real networks."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from contract.events import Closing, parse_event
from contract.sealed import verify
from edge_agent import __main__ as main
from edge_agent.chain import outbox
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.wiring import OUTBOX_SCHEMA
from models.errors import ModelError
from models.pack import load_pack
from scripts.stack import free_port
from tests.edge_agent.broker import wait
from tests.edge_agent.building import Terminal, make_terminal
from tests.edge_agent.orders.device import REQUEST, Device

ROOT = Path(__file__).resolve().parents[2]
CLIPS = Path(os.environ.get("SHARED_DIR", ROOT.parent / "shared")) / "data" / "window"


@pytest.fixture(scope="module", autouse=True)
def networks() -> None:
    try:
        load_pack()
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "edge_agent", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


class Terminals:
    """One enrolled terminal whose agent is started, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.terminal: Terminal = make_terminal(folder, more="[times]\nsession_max_s = 60\n")
        text = self.terminal.settings_file.read_text().replace("port = 0", f"port = {self.port}")
        self.terminal.settings_file.write_text(text)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.terminal.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command("run", "--settings", str(self.terminal.settings_file)), cwd=ROOT, stderr=log)
        assert wait(lambda: self.get("/health"), 30), self.log()

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(20)

    def get(self, path: str, body: dict[str, str] | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self.terminal.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - our own port
                return answer.read()
        except OSError:
            return b""

    def open(self, msgid: str) -> bytes:
        fields = {"msgid": msgid, "infno": "2207", "psn_no": "430000199901011234", "mdtrt_cert_type": "02", "window": "W1"}
        return self.get("/session/start", fields)

    def log(self) -> str:
        return (self.terminal.folder / "log").read_text()


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    one = Terminals(tmp_path)
    yield one
    if one.process is not None and one.process.poll() is None:
        one.end(signal.SIGKILL)


def test_a_killed_agent_closes_its_session_at_the_next_start(terminals: Terminals) -> None:
    terminals.start()
    assert b"camera_blind" in terminals.open("M1")
    terminals.end(signal.SIGKILL)
    terminals.start()
    assert b"camera_blind" in terminals.open("M2")
    assert terminals.end(signal.SIGTERM) == 0
    data = terminals.terminal.folder / "data"
    vault = Vault.open(data / "outbox.db", vault_key(data / "vault.key"), OUTBOX_SCHEMA)
    signed = outbox.Outbox(vault, new_epoch=1).events_after(0, 10)
    captures = [parse_event(verify(one, terminals.terminal.find_device_key, "event").payload) for _, one in signed]
    assert [(one.msgid, one.closing) for one in captures] == [("M1", Closing.RECOVERED), ("M2", Closing.STOPPED)]  # type: ignore[union-attr]


def test_logs_are_json_and_name_nobody(terminals: Terminals) -> None:
    terminals.start()
    terminals.open("M1")
    terminals.end(signal.SIGTERM)
    lines = [json.loads(line) for line in terminals.log().splitlines() if line.startswith("{")]
    assert {"agent_started", "session_opened", "session_closed", "agent_stopped"} <= {line["event"] for line in lines}
    assert "430000199901011234" not in terminals.log()


def test_nothing_personal_lies_in_clear(terminals: Terminals) -> None:
    terminals.start()
    terminals.open("M1")
    terminals.end(signal.SIGKILL)
    stored = b"".join(path.read_bytes() for path in (terminals.terminal.folder / "data").iterdir())
    assert b"430000199901011234" not in stored and b"SQLite format" not in stored


def test_a_wrong_setting_stops_the_start(tmp_path: Path) -> None:
    terminal = make_terminal(tmp_path, more="[times]\nsesion_max_s = 9\n")
    done = run("run", "--settings", str(terminal.settings_file))
    assert done.returncode == 2 and "sesion_max_s" in done.stderr and "Traceback" not in done.stderr


def test_check_fails_when_anything_is_wrong(tmp_path: Path) -> None:
    terminal = make_terminal(tmp_path, windows='[[windows]]\nwindow = "W1"\nsource = "pictures"\n')
    (tmp_path / "pictures").mkdir()
    done = run("check", "--settings", str(terminal.settings_file))
    assert done.returncode == 1
    assert "ok   weights: in order" in done.stdout and "BAD  broker:" in done.stdout and "BAD  camera W1:" in done.stdout


def test_replay_prints_a_decision(tmp_path: Path) -> None:
    if not CLIPS.is_dir():
        pytest.skip(f"the clips are not at hand: {CLIPS} does not exist; set SHARED_DIR")
    (tmp_path / "A.mkv").symlink_to(CLIPS / "eat.mkv")
    done = run("replay", "--video", str(CLIPS / "eat.mkv"), "--psn-no", "A", "--gallery", str(tmp_path), "--fps", "3")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "same"


@pytest.mark.parametrize(("video", "says"), [("none.mkv", "does not exist"), ("zero.mkv", "cannot be opened"), ("zero.jpg", "no bytes")])
def test_replay_names_what_it_cannot_read(tmp_path: Path, video: str, says: str) -> None:
    (tmp_path / "gallery").mkdir()
    if video.startswith("zero"):
        (tmp_path / video).touch()
    done = run("replay", "--video", str(tmp_path / video), "--psn-no", "A", "--gallery", str(tmp_path / "gallery"))
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


class Anew(Exception):
    """The process would be another one now."""


def test_an_agent_that_does_not_start_on_trial_starts_anew_with_the_old_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(make_terminal(tmp_path))
    device.take(device.configure())
    assert device.second()
    device.close()

    def broken(*_: object, **__: object) -> None:
        raise ModelError("no such network")

    def anew() -> None:
        raise Anew

    monkeypatch.setattr(main, "build", broken)
    monkeypatch.setattr(main, "_start_anew", anew)
    with pytest.raises(Anew):
        main._started(device.terminal.settings_file)
    with pytest.raises(typer.Exit):
        main._started(device.terminal.settings_file)
    device.boot()
    device.live(5)
    assert device.told() == [(REQUEST, "rolled_back", "start_failed")]
    assert device.results()[0].detail == "ModelError: no such network" and device.standing.settings.limits.same == 0.65
