"""Both ends on one machine: all or nothing, no key twice, and a folder from which the agent starts."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from sqlalchemy import func, select

from central.devices.tables import device_keys, devices
from central.errors import CentralError, Conflict
from central.sites.model import NewSite
from central.wiring import Centre
from contract.events import EvidenceMode
from edge_agent.keys import load_seal_key, load_signer, load_token
from edge_agent.settings import load
from scripts.enrolling.both_ends import Terminal, enrol
from tests.central.building import make_centre

SITE = NewSite(
    fixmedins_code="P11010000001", fixmedins_name='药房 "一"', admdvs="110100", evidence_mode=EvidenceMode.ALL, legal_basis="同意书 2026-01"
)
TERMINAL = Terminal(
    device_id="P11010000001-t1",
    windows=(("W1", "rtsp://10.0.0.9/stream"), ("W2", "0")),
    broker_host="127.0.0.1",
    broker_port=8883,
    till_port=8787,
)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path / "centre")


def registered(centre: Centre) -> int:
    with centre.engine.begin() as db:
        return db.scalar(select(func.count()).select_from(devices)) or 0


def test_the_folder_is_what_the_agent_needs(centre: Centre, tmp_path: Path) -> None:
    settings = load(enrol(centre, SITE, TERMINAL, tmp_path / "t1"))
    assert (settings.device_id, settings.fixmedins_code, settings.evidence) == (TERMINAL.device_id, SITE.fixmedins_code, EvidenceMode.ALL)
    assert [window.window for window in settings.windows] == ["W1", "W2"]
    with centre.engine.begin() as db:
        assert db.scalar(select(device_keys.c.kid)) == load_signer(settings.files.sign_key).kid
    load_seal_key(settings.files.seal_key)
    assert len(load_token(settings.files.till_token)) >= 32
    certificate = x509.load_pem_x509_certificate(settings.files.tls_cert.read_bytes())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(settings.files.tls_ca.read_bytes()))
    for name in ("sign.pem", "seal.pem", "tls.key", "till.token"):
        assert (tmp_path / "t1" / name).stat().st_mode & 0o077 == 0


def test_the_same_folder_or_device_is_refused_and_nothing_is_left(centre: Centre, tmp_path: Path) -> None:
    enrol(centre, SITE, TERMINAL, tmp_path / "t1")
    before = (tmp_path / "t1" / "sign.pem").read_bytes()
    for folder in (tmp_path / "t1", tmp_path / "other"):
        with pytest.raises(Conflict):
            enrol(centre, SITE, TERMINAL, folder)
    assert (tmp_path / "t1" / "sign.pem").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["centre", "t1"]


@pytest.mark.parametrize(
    "wrong",
    [
        (replace(SITE, legal_basis=None), TERMINAL),
        (replace(SITE, fixmedins_code="X"), TERMINAL),
        (replace(SITE, admdvs="11"), TERMINAL),
        (SITE, replace(TERMINAL, device_id="a b")),
        (SITE, replace(TERMINAL, windows=())),
        (SITE, replace(TERMINAL, windows=(("W1", "0"), ("W1", "1")))),
        (SITE, replace(TERMINAL, broker_port=0)),
        (SITE, replace(TERMINAL, extra="[limits]\nsame = 7\n")),
        (SITE, replace(TERMINAL, extra="[files]\nsign_key = 'x'\n")),
        (SITE, replace(TERMINAL, extra="[unheard]\n")),
    ],
)
def test_a_wrong_value_registers_nothing_and_leaves_no_folder(centre: Centre, tmp_path: Path, wrong: tuple[NewSite, Terminal]) -> None:
    with pytest.raises(CentralError):
        enrol(centre, *wrong, tmp_path / "t1")
    assert registered(centre) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["centre"]


def test_a_folder_that_cannot_be_written_registers_nothing(centre: Centre, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        enrol(centre, SITE, TERMINAL, tmp_path / "file" / "t1")
    assert registered(centre) == 0
