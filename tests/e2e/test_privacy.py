"""No identity number, face or template lies in clear outside the vaults: files, logs, wire and payloads are searched for planted ones.

What the centre must know (whose card was used) stands in the signed events and in the centre's database; the test says where.
"""

import base64
import json
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Thread

import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from central.china import CHINA
from central.db import utc_now
from central.people import service as people
from central.people.model import Enrolment
from contract.commands import GalleryRole
from contract.sealed import embedding_purpose, from_text, unseal
from scripts.demo import AGENT_TOML, SITE
from scripts.scenes import Cameras
from scripts.stack import Stack, wait_until
from scripts.town import enrolment_picture, visitor

PERSON = "CANARY-PSN-430000199901"
PICTURES = (b"\xff\xd8\xff\xe0\x00\x10JFIF", b"\xff\xd8\xff\xdb\x00\x43\x00", b"\x89PNG\r\n\x1a\n", b"/9j/4AAQSkZJRg", b"iVBORw0KGgo")
"""Beginnings of JPEG and PNG files, raw and as base64."""


class Tap:
    """Passes bytes between the agent and the broker, and keeps them as somebody on the line would."""

    def __init__(self, broker_port: int) -> None:
        self.heard, self._broker_port = bytearray(), broker_port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            inner, _ = self._socket.accept()
            try:
                outer = socket.create_connection(("127.0.0.1", self._broker_port))
            except OSError:
                inner.close()
                continue
            for source, target in ((inner, outer), (outer, inner)):
                Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                self.heard += data
                target.sendall(data)
        except OSError:
            pass
        finally:
            target.close()


class Listener:
    """A client with the centre's own right to read everything: the payloads as they are after TLS."""

    def __init__(self, stack: Stack) -> None:
        self.payloads: list[tuple[str, bytes]] = []
        certificate, key = stack.centre.keys.tls("central")
        context = ssl.create_default_context(cafile=str(stack.centre.keys.tls("ca")[0]))
        context.load_cert_chain(certificate, key)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="listener", protocol=mqtt.MQTTv311)
        self._client.tls_set_context(context)
        self._client.on_connect = lambda client, *_: client.subscribe("v1/up/#", 1)
        self._client.on_message = lambda _client, _data, message: self.payloads.append((message.topic, bytes(message.payload)))
        self._client.connect("127.0.0.1", stack.broker_port)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def forms(vector: np.ndarray) -> Iterator[bytes]:
    """The beginning of a template in the forms in which it might lie about."""
    for kind in ("<f4", "<f2", ">f4"):
        raw = vector.astype(kind).tobytes()[:48]
        yield from (raw, base64.b64encode(raw)[:60], base64.urlsafe_b64encode(raw)[:60], raw.hex().encode())
    yield json.dumps([round(float(value), 4) for value in vector[:4]]).strip("[]").encode()


def in_base64(text: bytes) -> Iterator[bytes]:
    """What is the same of it in base64, wherever in the encoded bytes it begins."""
    for before, unlike in ((0, 0), (1, 2), (2, 3)):
        yield base64.b64encode(b"\0" * before + text)[unlike : unlike + len(text)]


def found(needles: dict[str, tuple[bytes, ...]], content: bytes) -> list[str]:
    return [name for name, all_forms in needles.items() if any(form in content for form in all_forms)]


def events(listener: Listener) -> list[dict[str, object]]:
    """What the signed events say."""
    signed = [payload for topic, payload in listener.payloads if topic.endswith("/event")]
    return [json.loads(base64.urlsafe_b64decode(one.split(b".")[1] + b"==")) for one in signed]


def settle(stack: Stack, number: int) -> None:
    at = datetime.now(CHINA)
    msgid = f"{SITE.fixmedins_code}{at:%Y%m%d%H%M%S}{number:04d}"
    stack.till("/session/start", {"msgid": msgid, "infno": "2102", "psn_no": PERSON, "mdtrt_cert_type": "03", "window": "W1"})
    time.sleep(0.5)
    rest = {"setl_id": f"S{number}", "mdtrt_id": "M1", "setl_time": f"{at:%Y-%m-%d %H:%M:%S}", "medfee_sumamt": "1.00"}
    stack.till("/session/bind", {"msgid": msgid} | rest)


@pytest.mark.timeout(180)
def test_nothing_planted_is_found_in_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Cameras(("W1",)) as cameras:
        stack = Stack(tmp_path, SITE, {"W1": cameras.url("W1")}, agent_toml=AGENT_TOML)
        tap = Tap(stack.broker_port)
        monkeypatch.setenv("EDGE_BROKER__PORT", str(tap.port))
        with stack:
            listener = Listener(stack)
            template = enrol(stack)
            wait_until("the terminal's gallery", lambda: stack.health().get("gallery_people", 0) >= 1, 40)
            for number, face in enumerate(("丁", "乙")):
                cameras.show("W1", visitor(face))
                time.sleep(4)
                settle(stack, number)
                time.sleep(2)
            wait_until("everything receipted", lambda: settled(stack, listener), 60)
            listener.stop()
    seen = [vector(stack, event) for event in events(listener) if event.get("embedding")]
    assert seen and tap.heard
    faces = {"template": tuple(forms(template)), "face seen": tuple(form for one in seen for form in forms(one)), "picture": PICTURES}
    needles = {"identity number": (PERSON.encode(), *in_base64(PERSON.encode()))} | faces
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and not path.name.endswith((".jpg", ".png"))}
    terminal = {
        path.name: hits for path, content in files.items() if stack.agent_folder in path.parents and (hits := found(needles, content))
    }
    logs = {path.name: hits for path, content in files.items() if path.suffix == ".log" and (hits := found(needles, content))}
    centre = {str(path.relative_to(tmp_path)): hits for path, content in files.items() if (hits := found(needles, content))}
    assert (terminal, logs, found(needles, bytes(tap.heard))) == ({}, {}, [])
    plain = b"".join(payload for _, payload in listener.payloads) + json.dumps(events(listener)).encode()
    assert found(needles, plain) == ["identity number"], "whose card it was, for the centre alone; nothing of the face"
    assert all(hits == ["identity number"] for hits in centre.values()), centre
    assert {name.split("/")[0] for name in centre} <= {"central", "broker"}, (
        "the centre's database, and the signed events that its broker keeps"
    )
    print(f"{len(files)} files, {len(tap.heard)} bytes on the wire, {len(listener.payloads)} payloads; numbers in {sorted(centre)}")


def enrol(stack: Stack) -> np.ndarray:
    """The person, from a published picture; the template made of it."""
    centre, pictures = stack.centre, (enrolment_picture("DEMO-DING"),)
    basis, site = SITE.legal_basis or "", SITE.fixmedins_code
    request = Enrolment(psn_no=PERSON, pictures=pictures, legal_basis=basis, fixmedins_code=site, role=GalleryRole.INSURED)
    templates = centre.enroller.templates(PERSON, pictures)
    with centre.engine.begin() as db:
        people.enrol(db, centre.keys, centre.pictures, request, templates, now=utc_now(), actor="test")
    return np.asarray(templates[0].vector)


def settled(stack: Stack, listener: Listener) -> bool:
    captures = [event for event in events(listener) if event["kind"] == "capture"]
    pictures = [topic for topic, _ in listener.payloads if topic.endswith("/media")]
    return len(captures) == 2 and len(pictures) >= 2 and stack.health().get("backlog", 1) == 0


def vector(stack: Stack, event: dict[str, object]) -> np.ndarray:
    """The embedding that a capture carries, opened with the centre's key."""
    purpose = embedding_purpose(str(event["device"]), str(event["msgid"]))
    return np.frombuffer(unseal(from_text(str(event["embedding"])), stack.centre.keys.seal_private, purpose), "<f4")
