"""A new user's way: the centre with one command, then the first verified settlement with another, with either broker."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models import files
from models.errors import ModelError
from models.pack import load_pack
from scripts.stack import answers, free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("broker", ["embedded", "mosquitto"])
def test_from_nothing_to_the_first_verified_settlement(tmp_path: Path, broker: str) -> None:
    try:
        load_pack()
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")
    if not (files.default_folder() / "demo-person-01-a.jpg").is_file():
        pytest.skip("the demonstration pictures are not at hand: python -m models fetch --pack demo")
    if broker == "mosquitto" and shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    port, settings = free_port(), tmp_path / "central.toml"
    settings.write_text(
        f"data_dir = {json.dumps(str(tmp_path / 'central'))}\nrules_file = {json.dumps(str(ROOT / 'config' / 'rules.toml'))}\n"
        f"[broker]\nport = {free_port()}\n[web]\nport = {port}\n"
    )
    named = ("--settings", str(settings))
    with (tmp_path / "up.log").open("wb") as log:
        centre = subprocess.Popen([sys.executable, "-m", "central", "up", *named, "--broker", broker], cwd=ROOT, stdout=log, stderr=log)
    try:
        wait_until("the console", lambda: centre.poll() is not None or answers(f"http://127.0.0.1:{port}/healthz"))
        assert centre.poll() is None, (tmp_path / "up.log").read_text()
        command = [sys.executable, "-m", "scripts.first_settlement", *named, "--folder", str(tmp_path / "t1")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / "up.log").read_text()
        assert "signature verified, outcome same" in done.stdout
        assert "accepted: everything is in order" in done.stdout
    finally:
        centre.send_signal(signal.SIGINT)
        assert centre.wait(40) == 0
    assert not answers(f"http://127.0.0.1:{port}/healthz")
