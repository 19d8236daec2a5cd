"""The support bundle holds what helps, and none of what was planted everywhere."""

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.chain import outbox
from edge_agent.chain.register import Register
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.health import bundle
from edge_agent.judging.gallery import SCHEMA as GALLERY_SCHEMA
from edge_agent.judging.gallery import Faces
from edge_agent.orders.ledger import SETTINGS
from edge_agent.orders.standing import look
from edge_agent.session import Answer, Start, TillAnswer
from edge_agent.wiring import OUTBOX_SCHEMA
from tests.edge_agent.building import DEVICE, Terminal, entry, make_terminal
from tests.edge_agent.orders.device import NEW, Device

ROOT = Path(__file__).resolve().parents[3]
PERSON, PASSWORD, QUERY, LAW, NAME = "430000199901011234", "Geheim-77", "Frage-78", "Grund-79", "张三丰"
WINDOWS = f"""[[windows]]
window = "W1"
source = "rtsp://admin:{PASSWORD}@10.9.8.7/stream?token={QUERY}"
camera_model = "Modell-80"
[[windows]]
window = "W2"
source = "/home/{NAME}/clip.mkv"
"""
LOG = "\n".join(
    [
        '{"event": "session_opened", "level": "info", "timestamp": "2026-01-02T01:30:21.250000Z", "window": "W1", "msgid": "MSG-81"}',
        json.dumps({"event": "camera_not_opened", "level": "warning", "why": f"rtsp://admin:{PASSWORD}@10.9.8.7"}),
        json.dumps({"event": PERSON, "psn_no": PERSON, "window": NAME, "seconds": int(PERSON), "level": "info"}),
        f"Traceback: {PERSON} {NAME}",
    ]
)


@pytest.fixture
def template() -> np.ndarray:
    vector = np.random.default_rng(5).normal(size=192).astype("<f4")
    return vector / np.linalg.norm(vector)


@pytest.fixture
def terminal(tmp_path: Path, template: np.ndarray) -> Terminal:
    """An enrolled terminal with a session, a picture and a template in its stores."""
    terminal = make_terminal(tmp_path / "site", more=f'legal_basis = "{LAW}"', windows=WINDOWS)
    data = terminal.folder / "data"
    key = vault_key(data / "vault.key")
    main, faces = Vault.open(data / "outbox.db", key, OUTBOX_SCHEMA), Vault.open(data / "gallery.db", key, GALLERY_SCHEMA)
    start = Start(msgid="MSG82", infno="2207", psn_no=PERSON, mdtrt_cert_type="02", window="W1")
    Register(main).open(start, Answer(answer=TillAnswer.PASS, reasons=(), text_zh="", text_en=""), datetime.now(UTC))
    outbox.Outbox(main, new_epoch=7).append(lambda place: f"{PERSON} {place.seq}".encode(), [jpeg()])
    Faces(vault=faces, seal_key=terminal.seal_key, device=DEVICE, embedder="e-1", size=192).add([entry(PERSON, template, embedder="e-1")])
    main.close()
    faces.close()
    return terminal


def jpeg() -> bytes:
    return cv2.imencode(".jpg", np.random.default_rng(6).integers(0, 255, (64, 64, 3), dtype=np.uint8))[1].tobytes()


def planted(terminal: Terminal, template: np.ndarray) -> dict[str, bytes]:
    """Everything that must not leave, in the forms in which it might."""
    forms: dict[str, bytes] = {
        name: name.encode() for name in (PERSON, PASSWORD, QUERY, LAW, NAME, "10.9.8.7", "MSG-81", "MSG82", "Modell-80")
    }
    raw = {"key": vault_key(terminal.folder / "data" / "vault.key"), "template": template.tobytes(), "picture": jpeg()}
    raw["half template"] = template.astype("<f2").tobytes()
    for name, content in raw.items():
        forms |= {name: content[:24], f"{name} hex": content[:16].hex().encode(), f"{name} base64": base64.b64encode(content)[:24]}
        forms[f"{name} base64url"] = base64.urlsafe_b64encode(content)[:24]
    forms["token"] = terminal.token.encode()
    forms |= {file: (terminal.folder / file).read_bytes().splitlines()[1] for file in ("sign.pem", "seal.pem", "tls.key")}
    return forms


def test_nothing_that_was_planted_is_in_it_and_what_helps_is(terminal: Terminal, template: np.ndarray) -> None:
    log = terminal.folder / "agent.log"
    log.write_text(LOG, encoding="utf-8")
    out = terminal.folder / "bundle.json"
    arguments = ["bundle", "--settings", str(terminal.settings_file), "--out", str(out), "--log", str(log)]
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert out.stat().st_mode & 0o777 == 0o600
    text = out.read_bytes()
    assert [name for name, content in planted(terminal, template).items() if content in text] == []
    assert b"\xff\xd8" not in text and b"PRIVATE" not in text and NAME not in json.dumps(json.loads(text), ensure_ascii=False)
    told = json.loads(text)
    assert told["store"] == {
        "epoch": 7,
        "last_seq": 1,
        "receipted": 0,
        "sessions_open": 1,
        "events": 1,
        "media": 1,
        "sessions": 1,
        "voids": 0,
    }
    assert [(window["window"], window["source"]) for window in told["windows"]] == [("W1", "rtsp"), ("W2", "file")]
    assert told["settings"]["limits"]["same"] == 0.65 and told["device_id"] == DEVICE and told["versions"]["onnxruntime"]
    assert told["log"][0] == {"timestamp": "2026-01-02T01:30:21.250000Z", "level": "info", "event": "session_opened", "window": "W1"}
    assert told["log"][1:] == [{"level": "warning", "event": "camera_not_opened"}, {"level": "info"}]
    assert "does not answer" in told["health"]


def test_it_overwrites_nothing_and_needs_no_store(tmp_path: Path) -> None:
    found = bundle.collect(look(make_terminal(tmp_path).settings_file))
    assert found["store"] == "there is no store yet" and not (tmp_path / "data").exists()
    bundle.write(found, tmp_path / "b.json")
    with pytest.raises(FileExistsError):
        bundle.write(found, tmp_path / "b.json")


def test_it_holds_what_the_centre_has_set(tmp_path: Path) -> None:
    device = Device(make_terminal(tmp_path))
    device.take(device.configure())
    device.live()
    device.close()
    found = bundle.collect(look(device.terminal.settings_file))
    assert found["orders"] == {"set": NEW, "on_its_way": None, "holds": True, "revoked": False}
    assert found["settings"]["limits"]["same"] == 0.7
    (device.data / SETTINGS).write_bytes(b"damaged")
    assert bundle.collect(look(device.terminal.settings_file))["orders"]["holds"] is False
