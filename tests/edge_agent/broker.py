"""A private Mosquitto on a free port, and a centre at its other end that receipts only when told to."""

import shutil
import socket
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from central.broker import mosquitto
from central.broker.nats import Listener
from contract.events import parse_event
from contract.media import media_id, read_part, split_wire
from contract.sealed import digest, verify
from contract.state import Birth, Death, Health, parse_state
from contract.topics import Down, Up, down, ingest_filters, parse_up
from tests.edge_agent.building import DEVICE, Terminal, write_broker_certificate

PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")


def wait(condition: Callable[[], Any], seconds: float = 15) -> bool:
    """Whether the condition came true in time."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return bool(condition())


class Broker:
    """A Mosquitto process that can be killed and started again on the same port."""

    def __init__(self, terminal: Terminal, folder: Path, port: int) -> None:
        if PROGRAM is None:
            pytest.skip("mosquitto is not installed: apt-get install mosquitto")
        folder.mkdir()
        write_broker_certificate(terminal, folder)
        self.folder, self.port = folder, port
        self.authority = terminal.folder / "ca.crt"
        listener = Listener(
            host="127.0.0.1", port=port, certificate=folder / "server.crt", key=folder / "server.key", authority=self.authority
        )
        (folder / "acl").write_text(mosquitto.access_list([DEVICE]))
        (folder / "mosquitto.conf").write_text(
            mosquitto.configuration(listener, store=folder, access_list=folder / "acl", account="root", revoked=None)
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it listens."""
        assert PROGRAM is not None
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", str(self.folder / "mosquitto.conf")], stdout=log, stderr=log)
        assert wait(self._listens), (self.folder / "log").read_text()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Centre:
    """Verifies what the device sends and keeps it by number; receipts on demand or, if `receipting`, at once."""

    def __init__(self, terminal: Terminal, broker: Broker) -> None:
        self._terminal, self._lock = terminal, Lock()
        self.receipting = False
        self.events: dict[int, bytes] = {}
        self.arrivals: Counter[int] = Counter()
        self.order: list[str] = []
        self.states: list[Birth | Health | Death] = []
        self.parts: dict[str, dict[int, bytes]] = {}
        self.whole: dict[str, bytes] = {}
        self.faults: list[str] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="central", protocol=mqtt.MQTTv311, clean_session=False)
        context = ssl.create_default_context(cafile=broker.authority)
        context.load_cert_chain(broker.folder / "central.crt", broker.folder / "central.key")
        self.client.tls_set_context(context)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in ingest_filters()])
        self.client.on_message = self._take
        self.ready = False
        self.client.on_subscribe = self._subscribed
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        assert wait(lambda: self.ready)

    def stop(self) -> None:
        """Leave the broker."""
        self.client.disconnect()
        self.client.loop_stop()

    def send(self, channel: Down, payload: bytes, device: str = DEVICE) -> None:
        """Publish to a device."""
        self.client.publish(down(channel, device), payload, qos=1)

    def receipt(self, *, media: bool = True) -> None:
        """Receipt everything that is there without a gap."""
        with self._lock:
            up_to = 0
            while up_to + 1 in self.events:
                up_to += 1
            gaps = self._gaps(up_to)
            head = digest(self.events[up_to]) if up_to else "0" * 64
            done = tuple(self.whole) if media else ()
        self.send(Down.RECEIPT, self._terminal.receipt(epoch=self.states[-1].epoch, up_to=up_to, head=head, gaps=gaps, media=done))

    def forget(self, *numbers: int) -> None:
        """As if these had never come."""
        with self._lock:
            for number in numbers:
                self.events.pop(number, None)

    def _gaps(self, up_to: int) -> tuple[tuple[int, int], ...]:
        highest = max(self.events, default=0)
        missing = [number for number in range(up_to + 1, highest) if number not in self.events]
        return tuple((number, number) for number in missing)

    def _subscribed(self, *_: Any) -> None:
        self.ready = True

    def _take(self, _client: Any, _data: Any, message: Any) -> None:
        try:
            with self._lock:
                self._sort(parse_up(message.topic).channel, message.payload)
        except (ValueError, AssertionError) as error:
            self.faults.append(repr(error))
        if self.receipting and self.events:
            self.receipt()

    def _sort(self, channel: Up, payload: bytes) -> None:
        find = self._terminal.find_device_key
        self.order.append(channel)
        if channel is Up.STATE:
            self.states.append(parse_state(verify(payload, find, "state").payload))
        elif channel is Up.EVENT:
            event = parse_event(verify(payload, find, "event").payload)
            assert self.events.setdefault(event.seq, payload) == payload, f"number {event.seq} came with two bodies"
            self.arrivals[event.seq] += 1
        else:
            wire = split_wire(payload)
            part = read_part(wire, lambda header: verify(header, find, "media").payload)
            parts = self.parts.setdefault(part.media_id, {})
            parts[part.index] = wire.body
            if len(parts) == part.count:
                self.whole[part.media_id] = b"".join(body for _, body in sorted(parts.items()))
                assert media_id(self.whole[part.media_id]) == part.media_id
