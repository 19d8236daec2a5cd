"""The register of people from a shell, as an administrator uses it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from central.__main__ import app
from central.people import lists, store
from central.subjects.model import ErasureStatement
from central.wiring import Centre
from contract.sealed import TrustedKey, verify
from models import files
from tests.builders import SITE
from tests.central.building import Terminal, make_centre
from tests.central.people.people import CONSENT, admit

PICTURE = files.default_folder() / "demo-person-04-a.png"
needs_faces = pytest.mark.skipif(
    not (PICTURE.exists() and (files.default_folder() / "mobilefacenet.onnx").exists()),
    reason="run `python -m models fetch --pack all` first",
)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    centre = make_centre(tmp_path / "data")
    Terminal(centre).register()
    return centre


def run(centre: Centre, *arguments: str | Path, code: int = 0) -> str:
    settings = centre.settings.data_dir.parent / "central.toml"
    settings.write_text(f'data_dir = "{centre.settings.data_dir}"\n', encoding="utf-8")
    result = CliRunner().invoke(app, [*map(str, arguments), "--settings", str(settings)])
    assert result.exit_code == code, result.output
    return result.output


@needs_faces
def test_a_person_is_enrolled_reported_and_erased_with_proof(centre: Centre, tmp_path: Path) -> None:
    enrol = ("people", "enrol", "PSN-1", "--picture", PICTURE, "--site", SITE, "--legal-basis", "同意", "--basis", "consent")
    assert "reference" in run(centre, *enrol, code=2)
    said = run(centre, *enrol, "--reference", "C-1", "--given-on", "2025-01-01", "--taken-on", "2025-01-01")
    assert "compared with 0 others" in said
    report = tmp_path / "report.json"
    run(centre, "subject", "report", "PSN-1", report, "--reference", "Q-1")
    made = json.loads(report.read_text(encoding="utf-8"))
    assert made["bases"][0]["reference"] == "C-1" and made["history"][-1]["action"] == "person.enrol"
    proof = tmp_path / "proof.jws"
    erase = ("subject", "erase", "PSN-1", "--why", "withdrawn", "--reference", "W-1", "--out", proof)
    assert "another" in run(centre, *erase, "--sure", "PSN-2", code=2)
    assert "人脸模板 1 项" in run(centre, *erase, "--sure", "PSN-1")
    key = TrustedKey(centre.keys.signer.public)
    assert ErasureStatement.from_bytes(verify(proof.read_bytes(), {key.kid: key}.get, "erasure").payload).psn_no == "PSN-1"
    with centre.engine.begin() as db:
        assert store.count_faces(db) == 0 and lists.exempt(db, ["PSN-1"], now=centre.now())


@needs_faces
def test_a_register_is_read_and_its_faults_are_written(centre: Centre, tmp_path: Path) -> None:
    register, faults = tmp_path / "register.csv", tmp_path / "faults.csv"
    (tmp_path / "a.png").write_bytes(PICTURE.read_bytes())
    row = f"a.png,{SITE},consent,C-1,2025-01-01"
    register.write_text(f"psn_no,picture,fixmedins_code,basis,reference,given_on\nPSN-1,{row}\n=1+1,{row}\n", encoding="utf-8")
    said = run(centre, "people", "register", register, "--faults", faults, code=3)
    assert "1 enrolled, 0 enrolled before, 1 refused" in said and "line 3, psn_no: '=1+1'" in said
    assert "3,psn_no,'=1+1,," in faults.read_text(encoding="utf-8-sig")
    assert "0 enrolled, 1 enrolled before" in run(centre, "people", "register", register, code=3)
    assert "columns are missing" in run(centre, "people", "register", faults, code=2)


def test_the_lists_are_kept_from_a_shell(centre: Centre, tmp_path: Path) -> None:
    admit(centre, "PSN-1", basis=CONSENT)
    run(centre, "people", "staff", "PSN-1", "--site", SITE, "--code", "S-7", "--until", "2099-01-01")
    assert "has left" in run(centre, "people", "staff", "PSN-1", "--site", SITE, "--leave")
    assert "not expected" in run(centre, "people", "staff", "PSN-1", "--site", SITE, "--leave", code=2)
    assert "exception 1" in run(centre, "people", "except", "PSN-2", "--reason", "faith", "--site", SITE)
    assert "is over" in run(centre, "people", "except", "PSN-2", "--reason", "faith", "--end", "1", "--note", "came back")
    proxies = tmp_path / "proxies.csv"
    proxies.write_text("psn_no,proxy_psn_no,from,to,reason\nPSN-1,PSN-3,2026-01-01,2099-01-01,家属\n", encoding="utf-8")
    assert "longer than 1100 days" in run(centre, "people", "proxies", proxies, code=2)
    proxies.write_text("psn_no,proxy_psn_no,from,to,reason\nPSN-1,PSN-3,2026-01-01,2028-12-31,家属\n", encoding="utf-8")
    run(centre, "people", "proxies", proxies)
    assert "no more" in run(centre, "people", "end-proxy", "PSN-1", "PSN-3", "--reason", "moved")
    watch = ("people", "watch", "PSN-1", "--site", SITE, "--document", "D-1", "--decided-by", "x", "--reason", "case")
    assert "not a date" in run(centre, *watch, "--decided-on", "soon", "--until", "2026-02-01", code=2)
    assert "1 faces kept" in run(centre, "people", "count")
