"""Enrolment as people do it, by commands in processes of their own: over HTTP, by stick, and everything that can be in the way."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from central.db import utc_now
from contract.enrolment import MAX_REQUEST
from edge_agent.keys import load_signer
from models.errors import ModelError
from models.pack import load_pack
from scripts.stack import answers, free_port, wait_until
from tests.central.building import make_centre

ROOT = Path(__file__).resolve().parents[2]
CODE, DEVICE = "P11010000001", "P11010000001-t1"
ROWS = 300


def run(*words: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, input=stdin
    )


@dataclass
class Office:
    """A centre with its settings file; `serve` runs its console."""

    folder: Path
    port: int

    @property
    def settings(self) -> Path:
        return self.folder / "central.toml"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def enrol_site(self, command: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return run("scripts.enrol_site", command, *words, "--settings", self.settings)

    def site(self, *more: str | Path, camera: str = "0") -> str:
        """Register the site; the token."""
        about = ("--code", CODE, "--name", "示例药房", "--admdvs", "110100", "--window", f"W1={camera}", "--till-port", str(free_port()))
        done = self.enrol_site("site", *about, *more)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextmanager
    def serving(self) -> Iterator[None]:
        log = (self.folder / "serve.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "central", "serve", "--settings", str(self.settings)], cwd=ROOT, stdout=log, stderr=log
        )
        try:
            wait_until("the console", lambda: answers(f"{self.address}/healthz"))
            yield
        finally:
            process.terminate()
            process.wait(20)
            log.close()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    folder, port = tmp_path / "office", free_port()
    folder.mkdir()
    (folder / "central.toml").write_text(
        f'data_dir = "{folder / "central"}"\nrules_file = "{ROOT / "config" / "rules.toml"}"\n'
        f"[web]\nport = {port}\n[broker]\nport = {free_port()}\n"
    )
    make_centre(folder / "central", now=utc_now).engine.dispose()
    return Office(folder, port)


def enrol(*words: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return run("edge_agent", "enrol", *words, stdin=stdin)


def require_networks() -> None:
    try:
        load_pack()
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")


def test_from_a_token_to_an_accepted_terminal_over_http(office: Office, tmp_path: Path) -> None:
    require_networks()
    camera = tmp_path / "view"
    camera.mkdir()
    for number in range(40):
        noise = np.random.default_rng(number).integers(60, 200, (240, 320, 3), np.uint8)
        (camera / f"{number:03d}.jpg").write_bytes(cv2.imencode(".jpg", noise)[1].tobytes())
    folder = tmp_path / "t1"
    assert office.site("--token-file", tmp_path / "token.txt", camera=str(camera)) == (tmp_path / "token.txt").read_text().strip()
    assert (tmp_path / "token.txt").stat().st_mode & 0o077 == 0
    units = tmp_path / "units"
    with office.serving():
        done = enrol(
            f"@{tmp_path / 'token.txt'}", "--folder", folder, "--by", "李安装", "--service", "--units", units, "--data-dir", "data"
        )
        assert done.returncode == 3, done.stderr  # no broker runs here, and the report says so
        assert f"{DEVICE} of {CODE} is enrolled" in done.stdout
        bad = [line for line in done.stdout.splitlines() if line.startswith("BAD")]
        assert len(bad) == 1 and "broker" in bad[0], done.stdout
        shown = office.enrol_site("show", CODE).stdout
    assert f"LoadCredential=sign.pem:{folder}/sign.pem" in (units / "edge-agent.service").read_text(encoding="utf-8")
    report = next((folder / "acceptance").glob("*/report.txt")).read_text(encoding="utf-8")
    assert "by 李安装" in report and re.search(r"view W1 .* sha256 [0-9a-f]{64}", report)
    assert next((folder / "acceptance").glob("*/W1.jpg")).stat().st_mode & 0o077 == 0
    kid = load_signer(folder / "sign.pem").kid
    assert f"terminal {DEVICE}: enrolled" in shown and "used" in shown and kid in shown
    assert "approval legal: MISSING" in shown


def test_by_stick_and_back_with_the_networks_on_it(office: Office, tmp_path: Path) -> None:
    require_networks()
    stick, folder, own = tmp_path / "stick", tmp_path / "t1", tmp_path / "models"
    office.site("--no-address", "--bundle", stick, "--with-models")
    place = stick / DEVICE
    assert {path.name for path in place.iterdir()} == {"token.txt", "README.txt"}
    first = enrol("--stick", place, "--folder", folder, "--models", own)
    assert first.returncode == 0 and "carry the stick" in first.stdout, first.stderr
    assert not folder.exists()
    answered = office.enrol_site("answer", place / f"{DEVICE}.request.json")
    assert answered.returncode == 0, answered.stderr
    content = (place / f"{DEVICE}.answer.json").read_bytes()
    assert office.enrol_site("answer", place / f"{DEVICE}.request.json").returncode == 0
    assert (place / f"{DEVICE}.answer.json").read_bytes() == content
    second = enrol("--stick", place, "--folder", folder, "--models", own)
    assert "is enrolled" in second.stdout and second.returncode == 3, second.stderr
    assert "taken from" in second.stdout and "ok   weights" in second.stdout, second.stdout
    assert {"centerface.onnx", "mobilefacenet.onnx"} <= {path.name for path in own.iterdir()}
    assert [path.name for path in stick.rglob("*") if path.suffix in {".pem", ".key"}] == []


def test_what_is_in_the_way_is_named_and_nothing_half_done_is_left(office: Office, tmp_path: Path) -> None:
    token, folder, none = office.site(), tmp_path / "t1", ("--models", tmp_path / "m", "--models-from", tmp_path / "m")
    silent = enrol("-", "--folder", folder, stdin=token)
    assert silent.returncode == 2 and "is not reached" in silent.stderr and "what was made is kept" in silent.stderr
    assert not folder.exists()
    with office.serving():
        newer = office.enrol_site("renew", DEVICE).stdout.strip()
        old = enrol(token, "--folder", folder)
        assert old.returncode == 2 and "a newer token was issued" in old.stderr
        assert "is enrolled" in enrol(newer, "--folder", folder, *none).stdout
        twice = enrol(newer, "--folder", tmp_path / "t2")
        assert twice.returncode == 2 and "by other keys" in twice.stderr and "revoke the device at once" in twice.stderr
        assert not (tmp_path / "t2").exists()
    again = office.enrol_site("site", "--code", CODE, "--name", "示例药房", "--admdvs", "110100", "--window", "W1=0")
    assert again.returncode == 2 and "already registered" in again.stderr


def test_the_address_takes_no_more_than_a_request_and_tells_nobody_anything(office: Office) -> None:
    token = office.site()
    with office.serving():
        for body, status in ((b"x" * (MAX_REQUEST + 1), 413), (b"{}", 422), (json.dumps({"token_id": token[:22]}).encode(), 422)):
            asked = httpx.post(f"{office.address}/api/enrolment", content=body, headers={"Content-Type": "application/json"})
            assert asked.status_code == status
        forged = {"token_id": "A" * 22, "sign_public": "A" * 43, "tag": "A" * 43, "signed": "a.b.c"}
        assert {httpx.post(f"{office.address}/api/enrolment", json=forged).status_code for _ in range(70)} == {409, 429}


def test_a_table_by_command_can_be_interrupted(office: Office, tmp_path: Path) -> None:
    header = office.enrol_site("bulk", "--columns").stdout.strip()
    assert header.startswith("fixmedins_code,fixmedins_name,admdvs,window,camera")
    table = tmp_path / "sites.csv"
    lines = [f"P1101{number:07d},药房 {number},110100,W1,0" for number in range(ROWS)]
    table.write_text("\n".join(["fixmedins_code,fixmedins_name,admdvs,window,camera", *lines, "P1,x,y,W1,0"]) + "\n", encoding="utf-8")
    words = ("bulk", table, "--tokens", tmp_path / "tokens.csv", "--no-address", "--faults", tmp_path / "faults.csv")
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.enrol_site", *map(str, words), "--settings", str(office.settings)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None and "terminals" in process.stderr.readline()
    process.terminate()
    assert process.wait(30) == 130
    written = (tmp_path / "tokens.csv").read_text(encoding="utf-8-sig").count("enrol1-")
    assert 0 < written < ROWS
    done = office.enrol_site(*map(str, words))  # type: ignore[arg-type]
    assert done.returncode == 3 and f"line {ROWS + 2}" in done.stderr, done.stderr
    assert (tmp_path / "tokens.csv").read_text(encoding="utf-8-sig").count("enrol1-") == ROWS
    assert str(ROWS + 2) in (tmp_path / "faults.csv").read_text(encoding="utf-8-sig")
